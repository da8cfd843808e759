"""Fetches ModelNet10 and ModelNet40: OFF meshes in a zip archive, ``MODELNET/CLASS/{train,test}/NAME.off``."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from joblib import Parallel, delayed
from numpy.typing import NDArray

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Fetcher, Loaded, Source, in_parts, obtaining
from gibbsweep.data.formats.meshes import mesh_grid
from gibbsweep.errors import UserError

ADDRESSES = {
    "ModelNet10": "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip",
    "ModelNet40": "http://modelnet.cs.princeton.edu/ModelNet40.zip",
}

_MEMBER = re.compile(r"[^/]+/(?P<label>[^/]+)/(?P<split>train|test)/(?P<name>[^/.][^/]*)\.off", re.IGNORECASE)
_FEW = 100
"""So many meshes, or fewer, are voxelized in one process."""


def fetch_modelnet(archive: str) -> Fetcher:
    """The fetcher of ``archive``; --from names that zip file or the folder that holds it."""

    def fetch(entry: Entry, split: SplitName, source: Source) -> Loaded:
        path = source.path if source.path.is_file() else source.path / f"{archive}.zip"
        with obtaining(entry, source):
            if source.download and not path.exists():
                from torchvision.datasets.utils import download_url

                download_url(ADDRESSES[archive], source.path, path.name)
            path.stat()
        members = _members(path)
        classes = tuple(sorted({label for label, _, _ in members}))
        chosen = [(label, member) for label, of, member in members if of == split]
        if not chosen:
            raise UserError(f"{path} holds no meshes CLASS/{split}/NAME.off: expected the archive {archive}.zip")
        return Loaded(in_parts(_grids(path, chosen, classes)), classes)

    return fetch


def _members(path: Path) -> list[tuple[str, str, str]]:
    """Class, split and name of every mesh in the archive, sorted by name."""
    try:
        with ZipFile(path) as archive:
            matches = [
                _MEMBER.fullmatch(name) for name in sorted(archive.namelist()) if not name.startswith("__MACOSX")
            ]
    except BadZipFile as error:
        raise UserError(f"{path} is no complete zip archive ({error}): download it again") from error
    return [(match["label"], match["split"].lower(), match.string) for match in matches if match]


def _grids(path: Path, members: list[tuple[str, str]], classes: tuple[str, ...]) -> Iterator[tuple[NDArray[Any], int]]:
    with ZipFile(path) as archive:
        # joblib takes a few meshes at a time from the generator; all of them together would not fit memory.
        tasks = (delayed(mesh_grid)(_read(archive, member), "off", f"{member} of {path}") for _, member in members)
        grids = Parallel(n_jobs=1 if len(members) <= _FEW else -1, return_as="generator")(tasks)
        for (label, _), grid in zip(members, grids, strict=True):
            yield grid[None], classes.index(label)


def _read(archive: ZipFile, member: str) -> bytes:
    """Bytes of a member, checked against its checksum in the zip file; the source states none of the whole archive."""
    try:
        return archive.read(member)
    except (BadZipFile, zlib.error) as error:
        raise UserError(f"{member} of {archive.filename} is damaged ({error}): download the archive again") from error
