"""``gibbsweep export SWEEP``: its table, or its runs, for a paper or for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gibbsweep.errors import UserError

Form = Literal["csv", "latex", "parquet"]


def export_table(sweep: str, file: Path | None, form: Form, *, by_run: bool, runs: Path) -> None:
    """Write the table of ``sweep``, or its runs, to ``file``, or print it. ``runs``: the folder of all sweeps."""
    from gibbsweep.cli.sweeps.tables import table_named
    from gibbsweep.folder import write_atomically
    from gibbsweep.results.files import as_csv, as_latex, as_parquet, table_lines
    from gibbsweep.tune.folder.find import sweep_named
    from gibbsweep.tune.table.by_run import run_lines

    if form == "parquet" and file is None:
        raise UserError(f"Parquet is no text: name a file to write, gibbsweep export {sweep} --parquet FILE.")
    if form == "latex" and by_run:
        raise UserError("--by-run has a hundred columns, which LaTeX does not set: use --csv or --parquet.")
    if form == "latex":
        content = as_latex(table_named(sweep, runs)[1]).encode()
    else:
        lines = run_lines(sweep_named(sweep, runs)) if by_run else table_lines(table_named(sweep, runs)[1])
        content = as_csv(lines).encode() if form == "csv" else as_parquet(lines)
    if file is None:
        print(content.decode(), end="")
        return
    try:
        write_atomically(file, content)
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror}): name another file.") from error
    print(file)
