"""Draw the frontier: false reds a year against the median delay, by change and family."""

import math

PANELS = (
    "4 of 40 cases, 40 points",
    "8 of 40 cases, 20 points",
    "all cases, 5 points one way",
    "1 of 40 cases, 40 points",
    "latency x 1.5",
    "5 % from another model",
)
FAMILIES = (("gaussian", "fitted nights"), ("episodic", "episodic nights"), ("ar", "AR(1) .5"))
LINES = {
    "EWMA 0.2": "#c33",
    "robust EWMA 0.2": "#e90",
    "portfolio of robust EWMAs": "#0a5",
    "night-t, two nights": "#36c",
    "night-t, 2 of 3": "#39c",
    "Shiryaev-Roberts": "#93c",
}
WIDTH, HEIGHT, LEFT, TOP, GAP_X, GAP_Y = 170, 110, 60, 60, 40, 60
REDS, NIGHTS = (0.005, 1.0), (1.0, 150.0)


def draw(figures, path):
    """Write one row of panels per change, one column per family of nights."""
    width = LEFT + len(FAMILIES) * (WIDTH + GAP_X)
    height = TOP + len(PANELS) * (HEIGHT + GAP_Y)
    box = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for place, (name, colour) in enumerate(LINES.items()):
        x, y = LEFT + 210 * (place % 3), 16 + 14 * (place // 3)
        lines.append(f'<text x="{x}" y="{y}" fill="{colour}">● {name}</text>')
    axes = "across: chance of any false red in 365 nights; up: median nights until found, or never"
    lines.append(f'<text x="{LEFT}" y="{height - 6}">{axes}</text>')
    for row, change in enumerate(PANELS):
        for column, (family, title) in enumerate(FAMILIES):
            corner = LEFT + column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y)
            lines += _panel(figures, change, family, f"{change}; {title}", corner)
    path.write_text("\n".join([*lines, "</svg>", ""]), "utf-8")


def _panel(figures, change, family, title, corner):
    left, top = corner
    yield f'<text x="{left}" y="{top - 4}" font-size="8.5">{title}</text>'
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    yield f'<rect x="{left}" y="{top}" {size} fill="none" stroke="#999"/>'
    for tick in (0.01, 0.1, 1.0):
        x = left + _scale(tick, REDS) * WIDTH
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + HEIGHT}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{top + HEIGHT + 12}" text-anchor="middle">{tick:g}</text>'
    for tick in (1, 5, 20, 100):
        y = top + (1.0 - _scale(tick, NIGHTS)) * HEIGHT
        yield f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 4}" y="{y + 3:.1f}" text-anchor="end">{tick}</text>'
    for method, colour in LINES.items():
        points = [
            (
                left + _scale(one.reds[family], REDS) * WIDTH,
                top + (1.0 - _scale(one.delays[change][0], NIGHTS)) * HEIGHT,
            )
            for (name, _), one in sorted(figures.items())
            if name == method
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in points)


def _scale(value, bounds):
    low, high = bounds
    inside = min(max(value, low), high)
    return math.log(inside / low) / math.log(high / low)
