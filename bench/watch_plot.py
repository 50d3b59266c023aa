"""Draw the tables of a watch's own time in bench/README.md as bench/watch_time.svg.

.venv/bin/python bench/watch_plot.py
"""

from table_plot import Panel, read_tables, write_svg

PROMISED_S = 5.0


def panel(title, rows):
    """Linear axes, so that no nights at all have a place; the promise is the red line."""
    widest = rows[-1][0]
    highest = max(max(row[1:]) for row in rows) * 1.1
    step = 1 if highest < 8 else 5
    ticks = range(0, int(highest) + 1, step)
    return Panel(
        title=f"processor seconds by {title}",
        rows=rows,
        lines=(("own time", "#0b5"), ("cold", "#c63")),
        x=lambda size: size / widest,
        y=lambda seconds: seconds / highest,
        ticks={tick: "#d33" if tick == PROMISED_S else "#ddd" for tick in ticks},
    )


if __name__ == "__main__":
    tables = read_tables(r"a watch, own time \|")
    write_svg("watch_time.svg", [panel(*table) for table in tables], width=300, gap=50)
