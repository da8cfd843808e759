"""What is known about a data set before it is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """A data set that Gibbsweep knows by name.

    Example::

        Entry(
            name="mnist", how="fetched", shape=(1, 28, 28), classes=tuple("0123456789"), rows=(60_000, 10_000),
            source="MNIST, original files", licence="CC BY-SA 3.0", description="70,000 handwritten digits, 28x28",
        )
    """

    name: str
    """Name under which :func:`gibbsweep.data.load` finds it, and name of its folder."""
    how: Literal["bundled", "fetched", "given", "drop-in"]
    """``bundled``: made from an installed package, no download. ``fetched``: ``gibbsweep data fetch NAME`` downloads
    it. ``given``: the same with ``--from PATH``, where the user must get the files. ``drop-in``: Parquet files that the
    user must make."""
    shape: tuple[int, ...]
    """Shape of one example, channels first. Sounds that are longer are cut to it, shorter ones padded."""
    classes: tuple[str, ...]
    """Names of the labels, in their order; empty without labels."""
    source: str
    """Where the examples come from and what was done to them."""
    licence: str
    """Licence of the examples."""
    description: str
    """One phrase for ``gibbsweep data list``."""
    rows: tuple[int, int] = (0, 0)
    """Examples of the train and the test split; 0 where that depends on the files that a user gives."""
    stand_ins: tuple[str, ...] = ()
    """Bundled data sets that an error proposes while this one is missing."""
    text: bool = False
    """Whether it has captions."""
    how_to: str = ""
    """How a user gets it, where it cannot be downloaded."""
    sampling_rate: int | None = None
    """Samples a second of sounds, in Hz; None for other data."""
