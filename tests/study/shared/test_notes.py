"""Sentences of notes: they speak of columns by the headings that these have."""

from __future__ import annotations

import re

import pytest

from gibbsweep.study import REFERENCES
from gibbsweep.study.headings import HEADINGS
from gibbsweep.study.shared import notes

SENTENCES = {
    "distances": notes.distances(),
    "references": notes.references(),
    "sampling": notes.sampling(16),
    "density": notes.DENSITY,
    "bits": notes.BITS,
    "inverted": notes.INVERTED,
}


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
def test_a_quoted_column_is_a_heading_of_a_table_and_a_sentence_ends(sentence: str) -> None:
    assert set(re.findall("`([^`]+)`", sentence)) <= set(HEADINGS.values())
    assert sentence.endswith(".") and "  " not in sentence


def test_the_abbreviations_of_distances_are_their_headings() -> None:
    named = [HEADINGS[f"{metric}_distance"] for metric in ("frechet", "kernel")] + [HEADINGS["class_inception_score"]]
    for heading in named:
        assert heading in notes.distances()


def test_only_inception_s_distances_compare_with_published_numbers() -> None:
    own, inception = notes.distances(of="recordings"), notes.distances("inception", of="recordings")
    assert "the data set's own classifier" in own and "no published number" in own
    assert "Inception v3" in inception and "no published number" not in inception
    assert all("n samples against n recordings" in sentence for sentence in (own, inception))


def test_the_rows_of_references_are_named_as_they_are_in_a_table() -> None:
    assert all(name in notes.references("solids") for name in REFERENCES)
    assert "training solids" in notes.references("solids")
    assert "one of 16 samples" in notes.sampling(16)
