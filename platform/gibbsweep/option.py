"""An option that may be left out, as the command line shows it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import tyro

T = TypeVar("T")


def _hint(default: str | None) -> str:
    return "" if default in (None, "None") else f"(default: {default})"


OrDefault = Annotated[T | None, tyro.conf.arg(help_behavior_hint=_hint)]
"""None where it was not given. Its docstring says what it is then; "(default: None)" would say nothing."""
