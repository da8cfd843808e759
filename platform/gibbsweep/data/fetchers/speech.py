"""Fetches spoken digits (Free Spoken Digit Dataset, Speech Commands) and sentences (LJ Speech)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Loaded, Source
from gibbsweep.data.fetchers.wav_archive import Recording, files_of_archive, recordings_in_parts
from gibbsweep.errors import UserError

FSDD = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz"
SPEECH_COMMANDS = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
LJSPEECH = "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2"

_FSDD_NAME = re.compile(r"(?:.*/)?recordings/(?P<digit>\d)_(?P<speaker>[^_/]+)_(?P<take>\d+)\.wav")
_FSDD_TEST_TAKES = 5
"""Takes 0 to 4 of each digit and speaker test, 5 to 49 train, as the set's README has it."""


def fetch_fsdd(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads ``recordings/DIGIT_SPEAKER_TAKE.wav``."""
    files = files_of_archive(entry, source, FSDD)

    def of_split(name: str) -> bool:
        match = _FSDD_NAME.fullmatch(name)
        return match is not None and (int(match["take"]) < _FSDD_TEST_TAKES) == (split == "test")

    def recordings() -> Iterator[Recording]:
        for name, wav in files.read(of_split):
            match = _FSDD_NAME.fullmatch(name)
            assert match is not None  # of_split has checked it
            yield Recording(wav, int(match["digit"]), speaker=match["speaker"])

    return Loaded(recordings_in_parts(recordings(), "recordings/DIGIT_SPEAKER_TAKE.wav", files.path), entry.classes)


def fetch_sc09(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads ``WORD/SPEAKER_nohash_TAKE.wav`` of the ten digits; ``testing_list.txt`` names those that test."""
    files = files_of_archive(entry, source, SPEECH_COMMANDS)
    testing = frozenset(files.lines("testing_list.txt"))
    labels = {word: label for label, word in enumerate(entry.classes)}

    def last_two(name: str) -> tuple[str, str]:
        word, _, file = name.rpartition("/")
        return word.rpartition("/")[2], file

    def of_split(name: str) -> bool:
        word, file = last_two(name)
        return word in labels and file.endswith(".wav") and (f"{word}/{file}" in testing) == (split == "test")

    def recordings() -> Iterator[Recording]:
        for name, wav in files.read(of_split):
            word, file = last_two(name)
            yield Recording(wav, labels[word], speaker=file.partition("_")[0])

    return Loaded(recordings_in_parts(recordings(), "DIGIT/SPEAKER_nohash_TAKE.wav", files.path), entry.classes)


def fetch_ljspeech(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads ``wavs/ID.wav`` with the last column of ``metadata.csv``: ID|transcript|transcript in full words."""
    files = files_of_archive(entry, source, LJSPEECH)
    rows = [line.split("|") for line in files.lines("metadata.csv")]
    words = {row[0]: row[-1] for row in rows}

    def identifier(name: str) -> str:
        return name.rpartition("/")[2].removesuffix(".wav")

    def of_split(name: str) -> bool:
        tests = identifier(name).startswith(("LJ001-", "LJ002-"))
        return name.endswith(".wav") and tests == (split == "test")

    def recordings() -> Iterator[Recording]:
        for name, wav in files.read(of_split):
            if identifier(name) not in words:
                raise UserError(f"metadata.csv of {files.path} has no line for {name}: download the archive again")
            yield Recording(wav, text=words[identifier(name)])

    return Loaded(recordings_in_parts(recordings(), "wavs/ID.wav", files.path), ())
