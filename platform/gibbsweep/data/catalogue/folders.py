"""The folders of data sets and of their decoded copies, and the error for a data set that is in none."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from gibbsweep.data.catalogue.catalogue import CATALOGUE, entry_of
from gibbsweep.data.catalogue.layouts import files_of, is_name
from gibbsweep.errors import UserError


def data_root(root: Path | str | None = None) -> Path:
    """The folder of data sets: ``root``, else ``$GIBBSWEEP_DATA``, else the user's data folder."""
    if root:
        return absolute(root, "--data-root")
    return _folder("GIBBSWEEP_DATA", platformdirs.user_data_dir)


def cache_root() -> Path:
    """The folder of decoded copies: ``$GIBBSWEEP_CACHE``, else the user's cache folder."""
    return _folder("GIBBSWEEP_CACHE", platformdirs.user_cache_dir)


def absolute(path: Path | str, what: str) -> Path:
    """``path`` as an absolute one, with ``~`` for the home folder; ``what`` names its option in errors."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise UserError(f"{what} is {path}, and there is no such home folder: name the folder without ~") from error


def _folder(variable: str, usual: Callable[[str], str]) -> Path:
    """The folder that an environment variable names, else the user's ``usual`` one."""
    if chosen := os.environ.get(variable):
        return absolute(chosen, variable)
    try:
        return Path(usual("gibbsweep")).expanduser().absolute()
    except RuntimeError as error:
        raise UserError(
            f"this user has no home folder (HOME is not set and the user has no name): set {variable} to a folder"
        ) from error


def drop_ins(root: Path) -> list[str]:
    """Names of the folders under ``root`` that hold a data set, whether or not it can be read."""
    try:
        folders = sorted(folder.name for folder in root.iterdir()) if root.is_dir() else []
    except OSError as error:
        raise UserError(
            f"cannot read {root} ({error.strerror or error}): make it readable, or name another folder of data sets "
            "with --data-root"
        ) from error
    return [name for name in folders if _holds_data(name, root)]


def _holds_data(name: str, root: Path) -> bool:
    try:
        return bool(files_of(name, root))
    except UserError:  # listed with what is wrong with it
        return True


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
    if "/" in name or os.sep in name:
        return UserError(
            f"unknown data set '{name}': name a data set by its folder's name alone, and the folder's parent with "
            "--data-root"
        )
    if is_name(name) and (root / name).is_dir():
        return UserError(
            f"{root / name} holds no data set: expected train.parquet or test.parquet, the shards of the Hugging Face "
            "hub, or folders train and test of images"
        )
    return UserError(
        f"unknown data set '{name}': {meant}known are {', '.join(names)}, and any {root}/NAME that holds train.parquet "
        "or test.parquet, or folders of images"
    )
