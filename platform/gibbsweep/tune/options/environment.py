"""What the environment says of a sweep's options where a person says nothing.

A cluster sets these variables on its head, so that ``python sweeps/cd_k.py`` alone uses its machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from gibbsweep.errors import UserError

AUTO: Literal["auto"] = "auto"
"""The value of ``gpus_per_trial`` that lets the sweep decide."""

RUNS = "GIBBSWEEP_RUNS"
"""The variable that names the folder of all sweeps; :func:`gibbsweep.folder.layout.default_runs` reads it."""
BUDGET = "GIBBSWEEP_BUDGET"
"""The variable that names the budget of new sweeps."""
GPUS = "GIBBSWEEP_GPUS_PER_TRIAL"
"""The variable that says what ``--gpus-per-trial`` takes: that of a cluster that adds GPU machines on demand, as none
may be there when a sweep starts."""
WAIT = "GIBBSWEEP_WAIT_FOR_NODES"
"""The variable that says 1 on a cluster that adds machines on demand."""

_WORDS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def default_gpus() -> float | Literal["auto"]:
    """The GPUs of one trial that the environment names; 0, a sweep's own default, where it names none. Raises UserError
    for what is no number."""
    text = os.environ.get(GPUS, "").strip()
    if text == AUTO:
        return AUTO
    try:
        return float(text or 0)
    except ValueError:
        raise UserError(
            f"the environment variable {GPUS} takes a number of GPUs or {AUTO}: got {text!r}; correct or unset it."
        ) from None


def default_wait() -> bool:
    """Whether the environment says that nodes are waited for. Raises UserError for what is neither yes nor no."""
    text = os.environ.get(WAIT, "").strip()
    if text.lower() not in _WORDS:
        raise UserError(f"the environment variable {WAIT} takes 1 or 0: got {text!r}; correct or unset it.")
    return _WORDS[text.lower()]


def default_budget() -> str | None:
    """The budget that the environment names; None where it names none."""
    return os.environ.get(BUDGET, "").strip() or None


@contextmanager
def without_variables() -> Iterator[None]:
    """A context in which the environment says nothing."""
    kept = {name: os.environ.pop(name) for name in (RUNS, BUDGET, GPUS, WAIT) if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
