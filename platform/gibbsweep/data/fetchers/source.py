"""The contract of a fetcher: the files that it reads and the split that it returns."""

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
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.files.writing import Part
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Source:
    """Where a fetcher finds the files of a set."""

    path: Path
    """An empty folder to download to, or the path that the user named with --from."""
    download: bool
    """Whether to download; False: the files are at ``path`` already."""


@dataclass(frozen=True)
class Loaded:
    """One split of a data set, ready to be written."""

    parts: Iterable[Part]
    """Its examples, made part by part while they are written."""
    classes: tuple[str, ...]
    """Names of its labels."""


Fetcher = Callable[[Entry, SplitName, Source], Loaded]


@contextmanager
def obtaining(entry: Entry, source: Source) -> Iterator[None]:
    """Turns errors of libraries that download, verify and open files into one sentence."""
    try:
        yield
    except (URLError, HTTPException, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        if not source.download:
            raise UserError(
                f"{source.path} does not hold the files of '{entry.name}' ({reason}): expected them as their source "
                "offers them, or leave --from out to download them"
            ) from error
        raise UserError(
            f"could not download '{entry.name}' ({reason}): fetching needs the network; check it and try again, or "
            f"copy {entry.name}/train.parquet and test.parquet from a machine that has them"
        ) from error


def in_parts(examples: Iterable[tuple[NDArray[Any], int]], size: int = 1000) -> Iterator[Part]:
    """Gathers examples (*D) with their labels into parts of ``size``."""
    rest = iter(examples)
    while some := list(islice(rest, size)):
        yield Part(np.stack([x for x, _ in some]), [y for _, y in some])
