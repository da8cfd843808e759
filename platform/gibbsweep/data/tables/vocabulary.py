"""Captions as integers: one vocabulary a data set, built from its training file and shared by all its splits."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

PADDING, UNKNOWN = 0, 1
"""The ids that are no word: behind the end of a caption, and for a word outside the vocabulary."""

_FIRST = 2
_MIN_COUNT = 2
_MAX_LENGTH = 64
_SEPARATORS = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Vocabulary:
    """``words``: word i has the id i + 2, after padding and the unknown word. ``length``: L, tokens a caption."""

    words: tuple[str, ...]
    length: int

    @classmethod
    def of(cls, captions: Iterable[str | None]) -> Self:
        """The words that occur at least twice, the most frequent first, those of one frequency in alphabetical order.

        ``length`` is the longest caption's, at most 64 words: longer captions are cut there.
        """
        split = [words_of(caption) for caption in captions]
        counts = Counter(word for words in split for word in words)
        kept = sorted((word for word, count in counts.items() if count >= _MIN_COUNT), key=lambda w: (-counts[w], w))
        return cls(tuple(kept), min(_MAX_LENGTH, max([1, *map(len, split)])))

    @property
    def size(self) -> int:
        """The number of ids, padding and the unknown word included."""
        return len(self.words) + _FIRST

    def encode(self, captions: Sequence[str | None]) -> Tensor:
        """(B, L) int64: the ids of each caption's first L words, padded with 0; a missing caption is all padding."""
        tokens = torch.zeros(len(captions), self.length, dtype=torch.int64)
        for row, caption in zip(tokens, captions, strict=True):
            ids = [self._ids.get(word, UNKNOWN) for word in words_of(caption)[: self.length]]
            row[: len(ids)] = torch.tensor(ids, dtype=torch.int64)
        return tokens

    def decode(self, tokens: Tensor) -> list[str]:
        """The captions of ids (B, L), words joined by a space; the unknown word is written ``?``."""
        return [" ".join(self._word(int(i)) for i in row if i != PADDING) for row in tokens]

    def _word(self, token: int) -> str:
        return "?" if token == UNKNOWN else self.words[token - _FIRST]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words, start=_FIRST)}

    def to_json(self) -> dict[str, Any]:
        return {"words": list(self.words), "length": self.length}

    @classmethod
    def from_json(cls, stated: dict[str, Any]) -> Self:
        return cls(tuple(stated["words"]), int(stated["length"]))


def words_of(caption: str | None) -> list[str]:
    """The lower-cased words of a caption: what stands between its spaces and punctuation marks."""
    # Composed letters: a decomposed accent is no word character and would cut its word in two.
    text = unicodedata.normalize("NFC", caption or "").lower()
    return [word for word in _SEPARATORS.split(text) if word]
