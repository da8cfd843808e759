"""What is known about a data set before it is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """A known data set.

    ``how``: ``bundled`` (made from an installed package, no download), ``fetched`` (``gibbsweep data fetch NAME``), ``given``
    (the same with ``--from PATH``, of files that the user must get) or ``drop-in`` (Parquet files that the user must make).
    ``shape``: of one example, channels first. ``rows``: of the train and the test split; 0 where that depends on what is
    given. ``stand_ins``: bundled sets that could replace it while it is missing. ``text``: whether it has captions.
    ``sampling_rate``: of sounds, in Hz; longer ones than ``shape`` says are cut, shorter ones padded. ``how_to``: how to get what cannot be downloaded.
    """

    name: str
    how: Literal["bundled", "fetched", "given", "drop-in"]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    source: str
    licence: str
    description: str
    rows: tuple[int, int] = (0, 0)
    stand_ins: tuple[str, ...] = ()
    text: bool = False
    how_to: str = ""
    sampling_rate: int | None = None
