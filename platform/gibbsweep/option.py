"""The type of an option that may be left out, as the command line shows it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import tyro

T = TypeVar("T")


def _hint(default: str | None) -> str:
    return "" if default in (None, "None") else f"(default: {default})"


OrDefault = Annotated[T | None, tyro.conf.arg(help_behavior_hint=_hint)]
"""The type of an option that is None where it was left out. The option's docstring says what its default then is, as
"(default: None)" would say nothing: ``trials: OrDefault[int] = None``."""
