"""The help of a study: what it compares and what that costs, and its options by what they are about."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gibbsweep.study import Study

GROUPS: Mapping[str, tuple[str, ...]] = {
    "what": ("contenders", "budget", "data", "seeds", "seed"),
    "search": ("trials", "sampler", "from", "no-borrow"),
    "how far": ("scheduler", "eta", "rungs", "brackets", "window", "generations", "retries"),
    "compute": (
        *("precision", "address", "cpus", "gpus-per-trial", "workers-per-trial", "wait-for-nodes", "niceness"),
        *("disk", "data-root"),
    ),
    "record": (*("name", "resume", "resume-or-start", "runs", "results", "publish", "tracking-uri", "verbose"),),
}
"""The options of a sweep by what they are about; others follow under ``more``."""

_LEFT = 24
"""Columns of the names of options, behind which the help of a short one begins."""


def option_helps(options: type[Any]) -> list[tuple[str, str]]:
    """The words and options of the dataclass ``options``, as a person types them, each with what it says::

    option_helps(StopOptions)[0]    # ("SWEEP", "Name of the sweep. (required)")
    """
    import tyro

    from gibbsweep.cli.shell.parse import tyro_config

    text, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "200"
    try:
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            tyro.cli(options, args=["--help"], prog="", config=tyro_config())
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    # Tyro draws boxes, of dashes where a terminal has no lines, and in colours.
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text.getvalue())
    found: list[list[str]] = []
    for line in plain.splitlines():
        line = re.sub(r"[│╭╮╰╯─]|-{5,}", "", line).rstrip()
        header = re.match(r"^ {1,2}(--?\w[^ ]*(?: [^ ]+)*|[A-Z][A-Z-]+(?: \S+)*?)(?:  +(.*))?$", line)
        if header:
            found.append([header[1], header[2] or ""])
        elif found and line.startswith("     "):
            found[-1][1] += f" {line.strip()}"
    return [
        (name.replace("{[STR [STR ...]]}", "NAME ..."), says.strip().removesuffix(" (default: False)"))
        for name, says in found
        if not name.startswith("-h")
    ]


def study_help(study: Study, sweep: type[Any], script: type[Any] | None, *, prog: str, width: int) -> str:
    """The help of the script ``prog`` of ``study``, for a terminal of ``width`` columns. ``sweep`` and ``script``: the
    dataclasses of the options that every study has, and of the script's own."""
    of_sweep = {_name(option): (option, says) for option, says in option_helps(sweep)}
    own = option_helps(script) if script is not None and dataclasses.fields(script) else []
    groups = {title: [of_sweep.pop(name) for name in names if name in of_sweep] for title, names in GROUPS.items()}
    groups["what"] = [*own, *groups["what"]]
    groups["more"] = list(of_sweep.values())
    lines = [f"usage: python {prog} [OPTIONS]", "", *textwrap.wrap(study.question, width), ""]
    lines += [*_facts(study, width), ""]
    for title, options in groups.items():
        if options:
            lines += [title, *(line for option, says in options for line in _entry(option, says, width)), ""]
    return "\n".join(lines).rstrip()


def _name(option: str) -> str:
    return option.split()[0].removeprefix("--")


def _facts(study: Study, width: int) -> Iterator[str]:
    """What the study compares, how long its budgets train, and what that took where it was measured."""
    yield "contenders"
    for name, contender in study.contenders.items():
        rows = f", {len(contender.options())} rows ({', '.join(contender.compared_paths)})" if contender.compare else ""
        left_out = ", not by default" if study.default and name not in study.default else ""
        yield from _entry(name, f"{contender.kind}{rows}{left_out}", width)
    yield ""
    yield f"budgets, on {study.data}"
    measured = _measured(study.name)
    for name in study.budgets:
        updates = sorted({at.budget.updates for at in study.at(name, _with_budget(study, name)).values()})
        span = f"{updates[0]:,}" if len(updates) == 1 else f"{updates[0]:,} to {updates[-1]:,}"
        yield from _entry(name, f"{span} updates a training{measured.get(name, '')}", width)


def _with_budget(study: Study, budget: str) -> list[str]:
    return [name for name, contender in study.contenders.items() if budget in (contender.budgets or study.budgets)]


def _measured(study: str) -> dict[str, str]:
    """By budget, what a training took in the newest table of ``study``: of the repository, or of sweeps in runs/."""
    from gibbsweep.folder.layout import RESULTS
    from gibbsweep.tune.table.write import tracked_results

    tracked = tracked_results()
    paths = [] if tracked is None else [tracked / f"{study}.json"]
    paths += Path("runs").glob(f"*/{RESULTS}/{study}.json")
    said = {}
    for path in sorted((path for path in paths if path.is_file()), key=lambda path: path.stat().st_mtime):
        try:
            table = json.loads(path.read_text())
            seconds = sorted(row["device_seconds"] for row in table["rows"] if row["device_seconds"] > 0)
            if seconds:
                span = f"{seconds[0]:.2g}" if len(seconds) == 1 else f"{seconds[0]:.2g} to {seconds[-1]:.2g}"
                said[table["budget"]] = (
                    f"; it took {span} s, and the sweep {table['wall_seconds']:.0f} s, on {table['device']}"
                )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a table of another version says nothing here
    return said


def _entry(name: str, says: str, width: int) -> Sequence[str]:
    """``name`` with what it says beside it, or below it where it is long."""
    wrapped = textwrap.wrap(says, max(20, width - _LEFT)) or [""]
    if len(name) + 4 <= _LEFT:
        first, *rest = wrapped
        return [f"  {name:<{_LEFT - 2}}{first}".rstrip(), *(f"{'':<{_LEFT}}{line}" for line in rest)]
    return [f"  {name}", *(f"{'':<{_LEFT}}{line}" for line in wrapped)]
