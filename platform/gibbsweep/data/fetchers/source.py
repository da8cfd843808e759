"""What a fetcher is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.folders import SplitName
from gibbsweep.data.files.writing import Part
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Source:
    """Where the files of a set are. ``download``: fetch into ``path``, an empty folder; else they are there already, as the
    user says."""

    path: Path
    download: bool


@dataclass(frozen=True)
class Loaded:
    """One split: its examples, made part by part as they are written, and the names of its labels."""

    parts: Iterable[Part]
    classes: tuple[str, ...]


Fetcher = Callable[[Entry, SplitName, Source], Loaded]


@contextmanager
def obtaining(entry: Entry, source: Source) -> Iterator[None]:
    """Turns what libraries raise while they download, verify and open files into one sentence."""
    try:
        yield
    except (URLError, HTTPException, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        if not source.download:
            raise UserError(
                f"{source.path} does not hold the files of '{entry.name}' ({reason}): expected them as their source offers "
                "them, or leave --from out to download them"
            ) from error
        raise UserError(
            f"could not download '{entry.name}' ({reason}): fetching needs the network; check it and try again, or copy "
            f"{entry.name}/train.parquet and test.parquet from a machine that has them"
        ) from error


def in_parts(examples: Iterable[tuple[NDArray[Any], int]], size: int = 1000) -> Iterator[Part]:
    """Examples (*D) with their labels, gathered ``size`` at a time."""
    rest = iter(examples)
    while some := list(islice(rest, size)):
        yield Part(np.stack([x for x, _ in some]), [y for _, y in some])
