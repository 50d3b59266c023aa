"""Draw the growth tables of bench/README.md as bench/engine_growth.svg, both axes logarithmic.

.venv/bin/python bench/growth_plot.py
"""

import math
import re
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 200, 50, 30, 40
COLOURS = {"full engine": "#0b5", "one kernel": "#36c"}
SECONDS = (0.01, 30.0)


def read_tables(text):
    """Title, then (size, kernel s, full s) rows, for each growth table."""
    found = re.findall(
        r"\| ([a-z ]+) \| one kernel \| full engine .*\n\|[-|]+\n((?:\|.*\n)+)", text
    )
    for title, body in found:
        rows = [
            [float(cell.strip().replace(",", "").split()[0]) for cell in line.split("|")[1:4]]
            for line in body.splitlines()
            if re.match(r"\| [\d,]+ \|", line)
        ]
        yield title, rows


def panel(title, rows, left):
    """One SVG group: two lines on logarithmic axes."""
    low, high = rows[0][0], rows[-1][0]

    def x(size):
        return left + WIDTH * math.log(size / low) / math.log(high / low)

    def y(seconds):
        return TOP + HEIGHT * (
            1 - math.log(seconds / SECONDS[0]) / math.log(SECONDS[1] / SECONDS[0])
        )

    yield f'<text x="{left}" y="{TOP - 10}">seconds by {title}</text>'
    for tick in (0.01, 0.1, 1, 10):
        ends = f'x1="{left}" x2="{left + WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"'
        yield f'<line {ends} stroke="#ddd"/>'
        yield f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
    for size, *_ in rows:
        place = f'x="{x(size):.1f}" y="{TOP + HEIGHT + 16}"'
        yield f'<text {place} text-anchor="middle">{size:,.0f}</text>'
    for column, (name, colour) in enumerate(reversed(COLOURS.items()), start=1):
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
    (HERE / "engine_growth.svg").write_text("\n".join([*lines, "</svg>", ""]), "utf-8")


if __name__ == "__main__":
    main()
