"""The reference of the command line, from the parser itself."""

from __future__ import annotations

import contextlib
import html
import io
import os
import re
from typing import Any

from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.parse import parse
from gibbsweep.tune.options.options import SweepOptions


def help_of(options: type[Any], prog: str, description: str) -> str:
    """The help that ``prog --help`` prints, without the boxes and on long lines."""
    text, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "200"
    try:
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            parse(options, ["--help"], prog=prog, description=description)
    finally:
        os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text.getvalue())
    return "\n".join(re.sub(r"[│╭╮╰╯─]|-{5,}", "", line).rstrip() for line in plain.splitlines())


def described(help_text: str) -> list[tuple[str, str]]:
    """The words and options of ``help_text``, each with what it says."""
    found: list[list[str]] = []
    for line in help_text.splitlines():
        header = re.match(r"^ {1,2}(--?\w[^ ]*(?: [^ ]+)*|[A-Z][A-Z-]+(?: \S+)*?)(?:  +(.*))?$", line)
        if header:
            found.append([header[1], header[2] or ""])
        elif found and line.startswith("     "):
            found[-1][1] += f" {line.strip()}"
    return [(name, text.strip()) for name, text in found if not name.startswith("-h")]


def command_line_page() -> str:
    """The page of all commands."""
    parts = [
        "# Command line",
        (
            "Every command takes `--help`. A mistake is one sentence and exit code 2; a sweep that was stopped ends "
            "with 130 (Ctrl-C, `gibbsweep stop`) or 143 (SIGTERM), and says the command that continues it."
        ),
        "## python STUDY.py",
        "What every study script takes; one may add options of its own, which its `--help` lists as well.",
        _table(described(help_of(SweepOptions, "STUDY.py", ""))),
    ]
    for name, (options, run) in COMMANDS.items():
        description = (run.__doc__ or "").strip()
        table = _table(described(help_of(options, f"gibbsweep {name}", "")))
        parts += [f"## gibbsweep {name}", _plain(description), table]
    return "\n\n".join(parts) + "\n"


def _table(entries: list[tuple[str, str]]) -> str:
    rows = [f"| <code>{html.escape(name).replace('|', '&#124;')}</code> | {_plain(text)} |" for name, text in entries]
    return "\n".join(["| word | what |", "|---|---|", *rows])


def _plain(text: str) -> str:
    """``text`` with the signs escaped that Markdown would take for its own, but for those of code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_|<>])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
