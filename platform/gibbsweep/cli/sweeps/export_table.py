"""``gibbsweep export SWEEP``: its table, or its runs, for a paper or for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class ExportOptions:
    """The options of ``gibbsweep export SWEEP``."""

    sweep: Positional[str]
    """Sweep, or a results file such as analysis/results/cd_k.json."""
    file: Positional[OrDefault[Path]] = None
    """File to write (default: print it; Parquet needs one)."""
    csv: bool = False
    """A line for each row: mean, sd and n of each number, trials, cost, best configuration."""
    latex: bool = False
    """The table for LaTeX, with booktabs: mean ± sd, n, trials."""
    parquet: bool = False
    """As --csv, in Parquet."""
    by_run: bool = False
    """A line for each run instead of each row: outcome, cost, all metrics, configuration."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""


def export_table(options: ExportOptions) -> None:
    """Write the table of a sweep, or its runs, as CSV, LaTeX or Parquet."""
    from gibbsweep.cli.sweeps.tables import table_named
    from gibbsweep.folder import write_atomically
    from gibbsweep.results.files import as_csv, as_latex, as_parquet, table_lines
    from gibbsweep.tune.folder.find import sweep_named
    from gibbsweep.tune.table.by_run import run_lines

    forms = [form for form in ("csv", "latex", "parquet") if getattr(options, form)]
    if len(forms) != 1:
        given = "none was given" if not forms else f"{' and '.join(f'--{form}' for form in forms)} were given"
        raise UserError(f"a table is exported in one form, --csv, --latex or --parquet, and {given}.")
    (form,) = forms
    if form == "parquet" and options.file is None:
        raise UserError(f"Parquet is no text: name a file to write, gibbsweep export {options.sweep} --parquet FILE.")
    if form == "latex" and options.by_run:
        raise UserError("--by-run has a hundred columns, which LaTeX does not set: use --csv or --parquet.")
    if form == "latex":
        content = as_latex(table_named(options.sweep, options.runs)[1]).encode()
    else:
        lines = (
            run_lines(sweep_named(options.sweep, options.runs))
            if options.by_run
            else table_lines(table_named(options.sweep, options.runs)[1])
        )
        content = as_csv(lines).encode() if form == "csv" else as_parquet(lines)
    if options.file is None:
        print(content.decode(), end="")
        return
    try:
        write_atomically(options.file, content)
    except OSError as error:
        raise UserError(f"{options.file} cannot be written ({error.strerror}): name another file.") from error
    print(options.file)
