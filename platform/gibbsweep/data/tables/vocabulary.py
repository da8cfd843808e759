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
"""Ids that stand for no word: PADDING behind the end of a caption, UNKNOWN for a word outside the vocabulary."""

_FIRST = 2  # id of the first word
_MIN_COUNT = 2  # a word that occurs less often is unknown
_MAX_LENGTH = 64  # tokens a caption
_SEPARATORS = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Vocabulary:
    """The words that captions are encoded with, and the number of tokens that a caption has.

    Example::

        vocabulary = Vocabulary.of(["a red kite", "a red door"])
        vocabulary.encode(["a red fox"])        # tensor([[2, 3, 1]]): "fox" is unknown
    """

    words: tuple[str, ...]
    """The words; word i has the id i + 2, after padding and the unknown word."""
    length: int
    """L, the number of tokens of every caption."""

    @classmethod
    def of(cls, captions: Iterable[str | None]) -> Self:
        """Builds a vocabulary of the words that occur at least twice, the most frequent first, ties in alphabetical
        order.

        ``length`` is the number of words of the longest caption, at most 64: longer captions are cut there.
        """
        split = [words_of(caption) for caption in captions]
        counts = Counter(word for words in split for word in words)
        words = sorted((word for word, count in counts.items() if count >= _MIN_COUNT), key=lambda w: (-counts[w], w))
        return cls(tuple(words), min(_MAX_LENGTH, max([1, *map(len, split)])))

    @property
    def size(self) -> int:
        """Number of ids, padding and the unknown word included."""
        return len(self.words) + _FIRST

    def encode(self, captions: Sequence[str | None]) -> Tensor:
        """Ids (B, L) int64 of each caption's first L words, padded with 0; a missing caption is all padding."""
        tokens = torch.zeros(len(captions), self.length, dtype=torch.int64)
        for row, caption in zip(tokens, captions, strict=True):
            ids = [self._ids.get(word, UNKNOWN) for word in words_of(caption)[: self.length]]
            row[: len(ids)] = torch.tensor(ids, dtype=torch.int64)
        return tokens

    def decode(self, tokens: Tensor) -> list[str]:
        """Captions of ids (B, L), with words joined by a space; the unknown word is written ``?``."""
        return [" ".join(self._word(int(i)) for i in row if i != PADDING) for row in tokens]

    def _word(self, token: int) -> str:
        return "?" if token == UNKNOWN else self.words[token - _FIRST]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words, start=_FIRST)}

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back."""
        return {"words": list(self.words), "length": self.length}

    @classmethod
    def from_json(cls, stated: dict[str, Any]) -> Self:
        """The vocabulary that :meth:`to_json` wrote."""
        return cls(tuple(stated["words"]), int(stated["length"]))


def words_of(caption: str | None) -> list[str]:
    """Lower-cased words of a caption, which spaces and punctuation marks separate."""
    # Letters are composed first: a decomposed accent is no word character and would cut its word in two.
    text = unicodedata.normalize("NFC", caption or "").lower()
    return [word for word in _SEPARATORS.split(text) if word]
