"""``gibbsweep``: data sets, feature networks, single runs, sweeps that run or are simulated, tracking."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gibbsweep.cli import data, evaluate, simulate, single, sweep, track
from gibbsweep.cli.parse import one_sentence, parse
from gibbsweep.errors import UserError

COMMANDS: dict[str, tuple[type[Any], Callable[[Any], None]]] = {
    "data list": (data.ListOptions, data.list_sets),
    "data fetch": (data.FetchOptions, data.fetch_set),
    "data info": (data.InfoOptions, data.show_info),
    "evaluate prepare": (evaluate.PrepareOptions, evaluate.prepare),
    "simulate": (simulate.SimulateOptions, simulate.simulate_sweep),
    "status": (sweep.StatusOptions, sweep.show_status),
    "stop": (sweep.StopOptions, sweep.stop_sweep),
    "train": (single.TrainOptions, single.train_one),
    "track sync": (track.SyncOptions, track.sync_sweep),
}


_HELP = ("-h", "--help")


def main(words: Sequence[str] | None = None) -> None:
    """The ``gibbsweep`` program. Exit code 2 for a mistake."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] in _HELP:
        print(_usage(list(COMMANDS)))
        return
    group = [name for name in COMMANDS if name.startswith(f"{given[0]} ")]
    if group and given[1:2] and given[1] in _HELP:
        print(_usage(group))
        return
    with one_sentence():
        for length in (2, 1):
            name = " ".join(given[:length])
            if name in COMMANDS:
                options, run = COMMANDS[name]
                parsed = parse(
                    options, given[length:], prog=f"gibbsweep {name}", description=(run.__doc__ or "").strip()
                )
                run(parsed)
                return
        raise UserError(_unknown(given))


def _usage(names: Sequence[str]) -> str:
    width = max(map(len, names))
    lines = [f"  gibbsweep {name:<{width}}  {_summary(COMMANDS[name][1])}" for name in names]
    return "\n".join(["Hyperparameter sweeps for energy-based and score-based generative models.", "", *lines, "",
                      "Each takes --help. A study is a script: python sweeps/cd_k.py --help"])  # fmt: skip


def _summary(run: Callable[[Any], None]) -> str:
    return (run.__doc__ or "").strip().splitlines()[0]


def _unknown(given: list[str]) -> str:
    group = [name for name in COMMANDS if name.split()[0] == given[0]]
    if group:
        got = " ".join(given[:2])
        return f"{got!r} is not a command of gibbsweep: use one of {', '.join(group)}."
    close = difflib.get_close_matches(given[0], {name.split()[0] for name in COMMANDS}, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(COMMANDS)}."
    return f"{given[0]!r} is not a command of gibbsweep: {hint}"
