"""``gibbsweep report``: sweeps as one HTML page, and their figures for a paper."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.tune.folder.layout import SweepDir


@dataclass(frozen=True)
class ReportOptions:
    """The options of ``gibbsweep report``."""

    sweeps: Positional[tuple[str, ...]]
    """Names of the sweeps, or their folders; several stand on one page."""
    out: OrDefault[Path] = None
    """The page (default: results/report.html in the sweep's folder; for several, report.html in --runs)."""
    figures: OrDefault[Path] = None
    """Also write every figure to this folder, as SVG and as PDF."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""


def write_report(options: ReportOptions) -> None:
    """Write one HTML page about sweeps, which needs no network; and their figures for a paper."""
    from gibbsweep.report import page_path, read_evidence, write_figures, write_page
    from gibbsweep.tune.folder.layout import find_sweep, sweeps_message

    if not options.sweeps:
        raise UserError(f"no sweep was named: write gibbsweep report SWEEP; {sweeps_message(options.runs)}")
    out = options.out
    if out is not None and out.is_dir():
        raise UserError(f"--out {out} is a folder: name the file, for example --out {out / 'report.html'}.")
    sweeps = [find_sweep(*runs_and_name(word, options.runs)) for word in dict.fromkeys(options.sweeps)]
    if out is None:
        out = page_path(sweeps[0]) if len(sweeps) == 1 else options.runs / "report.html"
    start = time.monotonic()
    evidence = [read_evidence(sweep) for sweep in sweeps]
    size = write_page(evidence, out)
    print(f"{out}  ({size / 1e6:.1f} MB, {time.monotonic() - start:.1f} s)")
    for one in evidence:
        if one.problems:
            also = f" and {len(one.problems) - 1} more, which the page lists" if len(one.problems) > 1 else ""
            print(f"{one.name}: {one.problems[0]}{also}")
    if options.figures is not None:
        written = write_figures(evidence, options.figures)
        print(f"{len(written)} files in {options.figures}")


def page_of(sweep: SweepDir) -> str:
    """Write the page of a sweep that has just ended, beside its table. Returns a sentence with the file or, where it
    could not be written, why: the sweep has its table in any case."""
    from gibbsweep.report import page_path, read_evidence, write_page

    path = page_path(sweep)
    try:
        write_page([read_evidence(sweep)], path)
    except (UserError, OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        return f"the page of the sweep was not written ({type(error).__name__}: {error}); gibbsweep report tries again"
    return f"page: {path}"


def runs_and_name(word: str, runs: Path) -> tuple[Path, str]:
    """The folder of all sweeps and the sweep's name in what a person typed: a name, or the path of its folder."""
    path = Path(word)
    if len(path.parts) > 1 or (path.is_dir() and not (runs / word).is_dir()):
        path = path.absolute()
        return path.parent, path.name
    return runs, word
