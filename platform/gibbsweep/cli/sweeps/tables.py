"""The tables of sweeps that a person names on a command line."""

from __future__ import annotations

from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.results.comparison import Entry
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.tune.folder.driver import Driver, is_driven, look_command
from gibbsweep.tune.folder.find import sweep_named
from gibbsweep.tune.folder.layout import SweepDir


def table_named(name: str, runs: Path) -> tuple[str, Results, SweepDir | None]:
    """The table that a person calls ``name``: a sweep of the folder ``runs``, the folder of a sweep, or a results file
    (``analysis/results/cd_k.json``). Returns what it is called, the table and its sweep (None for a file). Raises
    UserError where there is none, or none yet."""
    path = Path(name).expanduser()
    if path.suffix == ".json":
        return path.stem, _read(path), None
    sweep = sweep_named(name, runs)
    return sweep.name, table_of(sweep), sweep


def table_of(sweep: SweepDir) -> Results:
    """The table of ``sweep``. Raises UserError where it has none yet, or one that cannot be read."""
    if not sweep.has_table:
        driver = Driver.read(sweep)
        if is_driven(sweep):
            raise UserError(
                f"sweep {sweep.name!r} is running and has no table yet: look at it with {look_command(sweep)}."
            )
        advice = f"continue it with: {driver.command_from_here}" if driver is not None else "resume it with its script."
        raise UserError(f"sweep {sweep.name!r} was stopped before it had a table: {advice}")
    return _read(min(sweep.results.glob("*.json")))


def _read(path: Path) -> Results:
    try:
        return Results.from_json(path.read_text())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a results file or a sweep.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} holds no results ({error}): name a STUDY.json that a sweep has written.") from error


def entries_named(name: str, runs: Path) -> tuple[list[Entry], SweepDir | None, bool]:
    """The rows that a person calls ``name``: all of a table, or one, ``TABLE:ROW`` (``cd_k-1:k=25``). Returns them, the
    sweep, and whether they are all rows of the table."""
    whole, _, label = name.partition(":")
    source, results, sweep = table_named(whole, runs)
    if not label:
        return [Entry(source, results, row) for row in results.rows], sweep, True
    return [Entry(source, results, _row(results.rows, label, source))], sweep, False


def _row(rows: list[Row], label: str, source: str) -> Row:
    """The row with this ``label``, or the only one whose label ends with it."""
    exact = [row for row in rows if row.label == label]
    found = exact or [row for row in rows if row.label.endswith(f" {label}")]
    if len(found) != 1:
        why = "has no row" if not found else f"has {len(found)} rows"
        raise UserError(f"{source} {why} {label!r}: name one of {', '.join(repr(row.label) for row in rows)}.")
    return found[0]
