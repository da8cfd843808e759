"""The final table on a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from gibbsweep.results.results import Results


def results_table(results: Results, *, width: int) -> Table:
    """The final table for a terminal of ``width`` columns. A narrow terminal gets no deviations, and only as many
    metrics as fit; the caption names the others. No number is cut."""
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0), caption_justify="left")
    brief = width < 120
    header, rows = results.header(brief=brief), results.cells(brief=brief)
    widths = [max(map(len, column)) + 2 for column in zip(header, *rows, strict=True)]
    metrics = range(1, 1 + len(results.columns))
    room = width + 2 - sum(w for i, w in enumerate(widths) if i not in metrics)  # nothing follows the last column
    shown = [i for i in metrics if sum(widths[1 : i + 1]) <= room]
    left_out = [header[i] for i in metrics if i not in shown]
    columns = [i for i in range(len(header)) if i not in metrics or i in shown]
    for i in columns:
        table.add_column(Text(header[i]), justify="left" if i == 0 else "right", no_wrap=True)
    for cells in rows:
        table.add_row(*(Text(cells[i]) for i in columns))
    if left_out:
        table.caption = Text(f"and in the results file: {', '.join(left_out)}")
    return table
