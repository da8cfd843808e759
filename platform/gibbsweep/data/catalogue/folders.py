"""The folders of data sets and of their decoded copies, and the error for a data set that is in none."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Literal

import platformdirs

from gibbsweep.data.catalogue.catalogue import CATALOGUE, entry_of
from gibbsweep.errors import UserError

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")

"""A data set has one file a split; the validation split is cut from the training file."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def data_root(root: Path | str | None = None) -> Path:
    """The folder of data sets: ``root``, else ``$GIBBSWEEP_DATA``, else the user's data folder."""
    chosen = root or os.environ.get("GIBBSWEEP_DATA") or platformdirs.user_data_dir("gibbsweep")
    return Path(chosen).expanduser().absolute()


def cache_root() -> Path:
    """The folder of decoded copies: ``$GIBBSWEEP_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("GIBBSWEEP_CACHE") or platformdirs.user_cache_dir("gibbsweep")
    return Path(chosen).expanduser().absolute()


def files_of(name: str, root: Path) -> dict[SplitName, Path]:
    """The Parquet files of data set ``name`` under ``root`` that exist, by split."""
    if not _NAME.fullmatch(name):
        return {}
    paths = {split: root / name / f"{split}.parquet" for split in SPLITS}
    return {split: path for split, path in paths.items() if path.is_file()}


def drop_ins(root: Path) -> list[str]:
    """The names of the folders under ``root`` that hold a train or test Parquet file."""
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if files_of(folder.name, root))


def missing(name: str, root: Path) -> UserError:
    """The error for a data set that is neither bundled nor under ``root``."""
    entry = entry_of(name)
    if entry is not None:
        stand_ins = " or ".join(f"'{stand_in}'" for stand_in in entry.stand_ins)
        in_its_place = f", or use the bundled {stand_ins} in its place" if stand_ins else ""
        get = f"run `gibbsweep data fetch {name}`" if entry.how == "fetched" else entry.how_to
        either = "" if stand_ins else "or "
        return UserError(
            f"data set '{name}' is not in {root}: {get}, {either}name its folder's parent with --data-root or "
            f"GIBBSWEEP_DATA{in_its_place}"
        )
    names = sorted({each.name for each in CATALOGUE} | set(drop_ins(root)))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return UserError(
        f"unknown data set '{name}': {meant}known are {', '.join(names)}, and any {root}/NAME that holds train.parquet "
        "or test.parquet"
    )
