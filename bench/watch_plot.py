"""Draw the tables of a watch's own time in bench/README.md as bench/watch_time.svg.

.venv/bin/python bench/watch_plot.py
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 200, 50, 30, 50
LINES = {1: ("own time", "#0b5"), 2: ("cold", "#c63")}
PROMISED_S = 5.0


def read_tables(text):
    """Title, then (size, own s, cold s) rows, for each table; axes are linear, so 0 is a place."""
    found = re.findall(r"\| ([a-z ]+) \| a watch, own time .*\n\|[-|]+\n((?:\|.*\n)+)", text)
    for title, body in found:
        rows = [
            [float(cell.strip().replace(",", "").split()[0]) for cell in line.split("|")[1:4]]
            for line in body.splitlines()
            if re.match(r"\| [\d,]+ \|", line)
        ]
        yield title, rows


def panel(title, rows, left):
    """One SVG group: two lines on linear axes, and the promise."""
    widest = rows[-1][0]
    highest = max(max(row[1:]) for row in rows) * 1.1

    def x(size):
        return left + WIDTH * size / widest

    def y(seconds):
        return TOP + HEIGHT * (1 - seconds / highest)

    yield f'<text x="{left}" y="{TOP - 10}">processor seconds by {title}</text>'
    step = 1 if highest < 8 else 5
    for tick in range(0, int(highest) + 1, step):
        ends = f'x1="{left}" x2="{left + WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"'
        colour = "#d33" if tick == PROMISED_S else "#ddd"
        yield f'<line {ends} stroke="{colour}"/>'
        yield f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>'
    for size, *_ in rows:
        place = f'x="{x(size):.1f}" y="{TOP + HEIGHT + 16}"'
        yield f'<text {place} text-anchor="middle">{size:,.0f}</text>'
    for column, (name, colour) in LINES.items():
        points = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in rows)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield (
            f'<text x="{left + WIDTH - 4}" y="{y(rows[-1][column]) - 6:.1f}" text-anchor="end" '
            f'fill="{colour}">{name}</text>'
        )


def main():
    tables = list(read_tables((HERE / "README.md").read_text("utf-8")))
    whole = LEFT + len(tables) * (WIDTH + GAP)
    box = f'viewBox="0 0 {whole} {TOP + HEIGHT + 30}" font-family="sans-serif" font-size="11"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for place, (title, rows) in enumerate(tables):
        lines += panel(title, rows, LEFT + place * (WIDTH + GAP))
    (HERE / "watch_time.svg").write_text("\n".join([*lines, "</svg>", ""]), "utf-8")


if __name__ == "__main__":
    main()
