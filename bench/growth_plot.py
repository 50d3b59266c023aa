"""Draw the growth tables of bench/README.md as bench/engine_growth.svg, both axes logarithmic.

.venv/bin/python bench/growth_plot.py
"""

import math

from table_plot import Panel, read_tables, write_svg

LEAST_S, MOST_S = 0.01, 30.0


def share(value, low, high):
    return math.log(value / low) / math.log(high / low)


def panel(title, rows):
    low, high = rows[0][0], rows[-1][0]
    return Panel(
        title=f"seconds by {title}",
        rows=rows,
        lines=(("one kernel", "#36c"), ("full engine", "#0b5")),
        x=lambda size: share(size, low, high),
        y=lambda seconds: share(seconds, LEAST_S, MOST_S),
        ticks=dict.fromkeys((0.01, 0.1, 1, 10), "#ddd"),
    )


if __name__ == "__main__":
    tables = read_tables(r"one kernel \| full engine")
    write_svg("engine_growth.svg", [panel(*table) for table in tables], width=250, gap=40)
