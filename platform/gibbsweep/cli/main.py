"""The ``gibbsweep`` program: data sets, feature networks, single runs, sweeps and what is seen of them, tracking."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gibbsweep.cli import data, doctor, export, new
from gibbsweep.cli.model import best, measure, prepare, restore, sample, score, train
from gibbsweep.cli.shell.parse import one_sentence, parse
from gibbsweep.cli.shell.terminal import lasting_output
from gibbsweep.cli.sweeps import clone, compare, listing, remove, report, simulate, status, track, ui
from gibbsweep.errors import UserError

COMMANDS: dict[str, tuple[type[Any], Callable[[Any], None]]] = {
    "best": (best.BestOptions, best.show_best),
    "clone": (clone.CloneOptions, clone.clone),
    "compare": (compare.CompareOptions, compare.compare_tables),
    "data list": (data.ListOptions, data.list_sets),
    "data fetch": (data.FetchOptions, data.fetch_set),
    "data import": (data.ImportOptions, data.import_set),
    "data info": (data.InfoOptions, data.show_info),
    "denoise": (restore.DenoiseOptions, restore.denoise_files),
    "doctor": (doctor.DoctorOptions, doctor.examine_all),
    "evaluate": (measure.EvaluateOptions, measure.evaluate_run),
    "evaluate prepare": (prepare.PrepareOptions, prepare.prepare),
    "export": (export.ExportOptions, export.export),
    "inpaint": (restore.InpaintOptions, restore.inpaint_files),
    "list": (listing.ListOptions, listing.list_runs),
    "new": (new.NewOptions, new.new_study),
    "report": (report.ReportOptions, report.write_report),
    "rm": (remove.RemoveOptions, remove.remove),
    "sample": (sample.SampleOptions, sample.sample_run),
    "score": (score.ScoreOptions, score.score_files),
    "simulate": (simulate.SimulateOptions, simulate.simulate_sweep),
    "status": (status.StatusOptions, status.show_status),
    "stop": (status.StopOptions, status.stop_sweep),
    "train": (train.TrainOptions, train.train_one),
    "track sync": (track.SyncOptions, track.sync_sweep),
    "ui": (ui.UiOptions, ui.open_ui),
}
"""The options of each command, and the function that runs it. The function's docstring is the command's help."""

_HELP = ("-h", "--help")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that ``words`` name, or the program's arguments. Exit code 2 for a mistake."""
    with lasting_output():
        _run(words)


def _run(words: Sequence[str] | None) -> None:
    arguments = list(sys.argv[1:] if words is None else words)
    if not arguments or arguments[0] in _HELP:
        print(_usage(list(COMMANDS)))
        return
    group = [name for name in COMMANDS if name.startswith(f"{arguments[0]} ")]
    if group and arguments[0] not in COMMANDS and arguments[1:2] and arguments[1] in _HELP:
        print(_usage(group))
        return
    with one_sentence():
        for length in (2, 1):
            name = " ".join(arguments[:length])
            if name in COMMANDS:
                options, run = COMMANDS[name]
                description = inspect.getdoc(run) or ""
                run(parse(options, arguments[length:], prog=f"gibbsweep {name}", description=description))
                return
        raise UserError(_unknown_command(arguments))


def _usage(names: Sequence[str]) -> str:
    """The help that lists the commands ``names``."""
    width = max(map(len, names))
    lines = [f"  gibbsweep {name:<{width}}  {_summary(COMMANDS[name][1])}" for name in names]
    return "\n".join(["Hyperparameter sweeps for energy-based and score-based generative models.", "", *lines, "",
                      "Each takes --help. A study is a script: python sweeps/cd_k.py --help"])  # fmt: skip


def _summary(run: Callable[[Any], None]) -> str:
    return (run.__doc__ or "").strip().splitlines()[0]


def _unknown_command(arguments: list[str]) -> str:
    """The sentence for ``arguments`` that begin with no command."""
    group = [name for name in COMMANDS if name.split()[0] == arguments[0]]
    if group:
        command = " ".join(arguments[:2])
        return f"{command!r} is not a command of gibbsweep: use one of {', '.join(group)}."
    close = difflib.get_close_matches(arguments[0], {name.split()[0] for name in COMMANDS}, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(COMMANDS)}."
    return f"{arguments[0]!r} is not a command of gibbsweep: {hint}"
