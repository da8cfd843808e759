"""The last lines of a sweep: what its table answers, and the commands that a person may want next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rich.text import Text

from gibbsweep.cli.shell.command import ui_command
from gibbsweep.errors import UserError
from gibbsweep.results.results import Results
from gibbsweep.study.study import Study
from gibbsweep.track.stores.uri import redact
from gibbsweep.tune.folder.driver import add_words, resume_command
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions, unrecorded_words
from gibbsweep.tune.setup.create import settings_of
from gibbsweep.tune.setup.extend import extended

_WIDTH = 20
"""Columns of what a command is for."""


def last_lines(study: Study, results: Results, options: SweepOptions, command: str) -> list[Text]:
    """The answer of ``results``, its wall seconds and the next commands. ``command``: the one that runs the study's
    script. A command stands alone at the end of its line, so that it can be copied."""
    lines = [Text(sentence, "bold") for sentence in results.answers()]
    if results.budget == "smoke" and lines:
        lines.append(Text("A smoke budget shows that everything works: its numbers answer nothing.", "yellow"))
    lines += [Text(), Text(f"{results.wall_seconds:.0f} s in all. Next:", "dim")]
    steps = next_steps(study, results, options, command)
    return [*lines, *(Text.assemble((f"  {purpose:<{_WIDTH}}", "dim"), step) for purpose, step in steps)]


def next_steps(study: Study, results: Results, options: SweepOptions, command: str) -> list[tuple[str, str]]:
    """Three commands with what they are for: to see everything, to judge the rows, to go on."""
    store = options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    see = redact(store) if store else ui_command(options.runs)
    return [
        ("see all in MLflow", see),
        ("compare its rows", _of_sweep("compare", results.sweep, options.runs)),
        _further(study, results, options, command),
    ]


def _further(study: Study, results: Results, options: SweepOptions, command: str) -> tuple[str, str]:
    """How to know more: a budget whose numbers count, twice the trials, or, where these have no meaning, the table."""
    sweep = SweepDir(options.runs / results.sweep)
    if results.budget == "smoke" and len(study.budgets) > 1:
        longer = "laptop" if "laptop" in study.budgets else next(name for name in study.budgets if name != "smoke")
        return "make it count", add_words(command, ["--budget", longer])
    settings = settings_of(sweep.record()["options"])
    try:
        more = extended(study, sweep, settings, 2 * settings.trials)
    except UserError:
        return "table for a paper", _of_sweep("export", results.sweep, options.runs, "--latex")
    words = ["--trials", str(more.trials), *unrecorded_words(options)]
    return "twice the trials", resume_command(command, sweep, words)


def _of_sweep(command: str, sweep: str, runs: Path, *words: str) -> str:
    folder = [] if runs == Path("runs") else ["--runs", str(runs)]
    return shlex.join(["gibbsweep", command, sweep, *words, *folder])
