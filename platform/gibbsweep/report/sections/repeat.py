"""The command that repeats the sweep, and what else one needs to."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from typing import Any

from gibbsweep.report.blocks import Block, Command, Section, Table, Words
from gibbsweep.report.evidence import Evidence
from gibbsweep.tune.folder.driver import Driver, add_words
from gibbsweep.tune.options.options import DECIDING

_WIDTH = 88
"""Columns of a line of a command."""


def section(evidence: Evidence) -> Section:
    """The command, with every option that decides the numbers, and the record."""
    blocks: list[Block] = []
    command = repeat_command(evidence)
    if command:
        blocks.append(Command(in_lines(command)))
    record = evidence.record
    commit = str(record.get("git_commit", ""))
    if commit.endswith("-dirty"):
        blocks.append(
            Words(
                [f"Files differed from commit {commit.removesuffix('-dirty')}: what ran is not on record."],
                style="warning",
            )
        )
    blocks.append(_record(evidence))
    return Section("repeat", "Do it again", blocks)


def repeat_command(evidence: Evidence) -> str:
    """The command that runs the same sweep again under another name; "" where nothing says how it was started."""
    try:
        driver = Driver.read(evidence.sweep)
    except (OSError, ValueError, TypeError):
        driver = None
    if driver is None:
        return ""
    options = evidence.record.get("options")
    words = option_words(options if isinstance(options, Mapping) else {})
    script = evidence.record.get("script_options")
    words += [word for name, value in (script or {}).items() for word in _words(name, value)]
    if driver.command.endswith("])"):
        return add_words(f"{driver.command[: driver.command.rindex('[')]}[])", words)
    typed = shlex.split(driver.command)
    base = typed[: typed.index("--resume")] if "--resume" in typed else typed
    return add_words(shlex.join(base), words)


def in_lines(command: str) -> str:
    """A long command of the shell in lines that end with a backslash, each of whole options."""
    if command.endswith("])") or len(command) <= _WIDTH:
        return command
    lines = [""]
    for part in re.split(r" (?=--[a-z])", command):
        if lines[-1] and len(lines[-1]) + 1 + len(part) > _WIDTH:
            lines.append("    " + part)
        else:
            lines[-1] = f"{lines[-1]} {part}".lstrip() if len(lines) == 1 else f"{lines[-1]} {part}"
    return " \\\n".join(lines)


def option_words(options: Mapping[str, Any]) -> list[str]:
    """The words of a command line for the recorded ``options`` that decide the numbers."""
    return [word for name in DECIDING for word in _words(name.removesuffix("_sweep"), options.get(name))]


def _words(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    return [option, *(str(one) for one in value)] if isinstance(value, list) else [option, str(value)]


def _record(evidence: Evidence) -> Table:
    record, results = evidence.record, evidence.results
    created = record.get("created")
    lines = {
        "sweep": evidence.name,
        "study": record.get("study"),
        "data": f"{record.get('data')} ({results.source})" if results and results.source else record.get("data"),
        "budget": f"{record.get('budget')}{_budget(record)}",
        "begun": time.strftime("%Y-%m-%d %H:%M", time.localtime(created)) if isinstance(created, int | float) else None,
        "commit": record.get("git_commit"),
        "device": results.device if results else None,
        "wall clock": f"{results.wall_seconds:,.0f} s" if results else None,
    }
    rows = [[name, str(value)] for name, value in lines.items() if value]
    return Table(["", ""], rows, numeric=False)


def _budget(record: Mapping[str, Any]) -> str:
    """The updates of each contender, in brackets, where the record has them."""
    fingerprint = record.get("fingerprint")
    if not isinstance(fingerprint, Mapping):
        return ""
    updates = {
        name: one["budget"]["updates"]
        for name, one in fingerprint.items()
        if isinstance(one, Mapping) and isinstance(one.get("budget"), Mapping) and "updates" in one["budget"]
    }
    if not updates:
        return ""
    if len(set(updates.values())) == 1:
        return f" ({next(iter(updates.values())):,} updates)"
    return f" (updates: {', '.join(f'{name} {count:,}' for name, count in updates.items())})"
