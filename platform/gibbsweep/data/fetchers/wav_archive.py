"""Reads sets of WAV files in a tar archive, as a stream or from the folder that it was unpacked to."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.fetchers.source import Source, obtaining
from gibbsweep.data.files.writing import Part
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Recording:
    """A WAV file and what is known of it."""

    wav: bytes
    """The file itself."""
    label: int | None = None
    """Its class."""
    text: str | None = None
    """The words that are spoken."""
    speaker: str | None = None
    """The name of the speaker."""


@dataclass(frozen=True)
class Files:
    """Files in an archive or in a folder; their names are relative to it and have forward slashes."""

    path: Path
    """The tar archive or the folder."""

    def read(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Yields name and content of the files with ``wanted`` names.

        An archive is read in its order and in one pass, a folder is sorted.
        """
        if self.path.is_dir():
            for path in sorted(self.path.rglob("*")):
                name = path.relative_to(self.path).as_posix()
                if path.is_file() and wanted(name):
                    yield name, path.read_bytes()
            return
        try:
            with tarfile.open(self.path, "r|*") as archive:
                for member in archive:
                    name = member.name.removeprefix("./")
                    if member.isfile() and wanted(name):
                        content = archive.extractfile(member)
                        assert content is not None  # it is None only for members that are no files
                        yield name, content.read()
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise UserError(f"{self.path} is no complete tar archive ({error}): download it again") from error

    def lines(self, suffix: str) -> list[str]:
        """Lines of the first text file whose name ends in ``suffix``."""
        file = next(iter(self.read(lambda name: name == suffix or name.endswith(f"/{suffix}"))), None)
        if file is None:
            raise UserError(
                f"{self.path} holds no {suffix}: expected the set's own archive, or the folder it unpacks to"
            )
        return file[1].decode("utf-8").splitlines()


def files_of_archive(entry: Entry, source: Source, address: str) -> Files:
    """Files of the archive at ``address``, which is downloaded unless it is at ``source``.

    --from may name the archive, the folder it unpacks to, or a folder that holds the archive.
    """
    path = source.path if source.path.is_file() else source.path / address.rpartition("/")[2]
    with obtaining(entry, source):
        if source.download and not path.exists():
            from torchvision.datasets.utils import download_url

            download_url(address, source.path, path.name)
        source.path.stat()
    return Files(path if path.exists() else source.path)


def recordings_in_parts(recordings: Iterable[Recording], expected: str, where: Path, size: int = 500) -> Iterator[Part]:
    """Gathers recordings into parts of ``size``; no recording is an error: ``expected`` is not in ``where``."""
    rest = iter(recordings)
    first = True
    while some := list(islice(rest, size)):
        first = False
        labels = [one.label for one in some if one.label is not None]
        texts = [one.text for one in some]
        speakers = [one.speaker for one in some]
        yield Part(
            [one.wav for one in some],
            labels or None,
            texts if any(text is not None for text in texts) else None,
            {"speaker": speakers} if any(speaker is not None for speaker in speakers) else None,
        )
    if first:
        raise UserError(f"{where} holds no {expected}: expected the set's own archive, or the folder it unpacks to")
