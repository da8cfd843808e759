"""The reference of the command line, from the parser itself."""

from __future__ import annotations

import html
import re

from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.shell.help import option_helps
from gibbsweep.tune.options.options import SweepOptions


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
        _table(option_helps(SweepOptions)),
    ]
    for name, (options, run) in COMMANDS.items():
        description = (run.__doc__ or "").strip()
        table = _table(option_helps(options))
        parts += [f"## gibbsweep {name}", _plain(description), table]
    return "\n\n".join(parts) + "\n"


def _table(entries: list[tuple[str, str]]) -> str:
    rows = [f"| <code>{_code(name)}</code> | {_plain(text)} |" for name, text in entries]
    return "\n".join(["| word | what |", "|---|---|", *rows])


def _code(text: str) -> str:
    """``text`` inside a cell's code, where a line may break between choices."""
    return html.escape(text).replace("|", "&#124;").replace(",", ", ")


def _plain(text: str) -> str:
    """``text`` with the signs escaped that Markdown would take for its own, but for those of code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_|<>])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
