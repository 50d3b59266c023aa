"""Draw tables of bench/README.md as SVG: a panel for each table, a line for each column.

A table is found by its header; its first column is the size, the others are seconds.
"""

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HEIGHT, LEFT, TOP = 200, 50, 30


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One table, ready to be drawn.

    Attributes:
        title: What stands above it.
        rows: (size, seconds of each line) rows.
        lines: Name and colour of each line, in the order of the columns.
        x: From a size to a share of the width.
        y: From seconds to a share of the height.
        ticks: Seconds of each grid line, and its colour.
    """

    title: str
    rows: list
    lines: tuple
    x: object
    y: object
    ticks: dict

    def draw(self, left, width):
        """Lines of SVG."""

        def down(seconds):
            return TOP + HEIGHT * (1 - self.y(seconds))

        def across(size):
            return left + width * self.x(size)

        yield f'<text x="{left}" y="{TOP - 10}">{self.title}</text>'
        for tick, colour in self.ticks.items():
            ends = f'x1="{left}" x2="{left + width}" y1="{down(tick):.1f}" y2="{down(tick):.1f}"'
            yield f'<line {ends} stroke="{colour}"/>'
            place = f'x="{left - 6}" y="{down(tick) + 4:.1f}"'
            yield f'<text {place} text-anchor="end">{tick:g}</text>'
        for size, *_ in self.rows:
            place = f'x="{across(size):.1f}" y="{TOP + HEIGHT + 16}"'
            yield f'<text {place} text-anchor="middle">{size:,.0f}</text>'
        for column, (name, colour) in enumerate(self.lines, start=1):
            points = " ".join(f"{across(row[0]):.1f},{down(row[column]):.1f}" for row in self.rows)
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            last = self.rows[-1][column]
            yield (
                f'<text x="{left + width - 4}" y="{down(last) - 6:.1f}" text-anchor="end" '
                f'fill="{colour}">{name}</text>'
            )


def read_tables(columns):
    """Title, then rows of numbers, of each table whose header goes on with these columns."""
    text = (HERE / "README.md").read_text("utf-8")
    header = rf"\| ([a-z ]+) \| {columns} .*\n\|[-|]+\n((?:\|.*\n)+)"
    for title, body in re.findall(header, text):
        rows = [
            [float(cell.strip().replace(",", "").split()[0]) for cell in line.split("|")[1:4]]
            for line in body.splitlines()
            if re.match(r"\| [\d,]+ \|", line)
        ]
        yield title, rows


def write_svg(name, panels, *, width, gap):
    """Write the panels side by side."""
    whole = LEFT + len(panels) * (width + gap)
    box = f'viewBox="0 0 {whole} {TOP + HEIGHT + 30}" font-family="sans-serif" font-size="11"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for place, panel in enumerate(panels):
        lines += panel.draw(LEFT + place * (width + gap), width)
    (HERE / name).write_text("\n".join([*lines, "</svg>", ""]), "utf-8")
