from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gibbsweep.data import Metadata, Vocabulary, info, load, load_split, write_parquet
from gibbsweep.data.tables.vocabulary import PADDING, UNKNOWN, words_of
from gibbsweep.errors import UserError

CAPTIONS = ["a red cat", "A red, red dog!", None, "a  blue-cat", "zebra"]


def write(root: Path, name: str, split: str, captions: list[str | None] | None, n: int = 0) -> None:
    images = np.random.default_rng(0).integers(0, 256, (n or len(captions or ()), 1, 4, 4), dtype=np.uint8)
    write_parquet(root / name / f"{split}.parquet", images, text=captions, metadata=Metadata())


def test_words_are_lower_case_and_cut_at_spaces_and_marks() -> None:
    assert words_of("  Don't STOP: 3-D, façade_1 ") == ["don", "t", "stop", "3", "d", "façade_1"]
    assert words_of("fac\u0327ade") == ["façade"]
    assert words_of(None) == words_of("…!") == []


def test_the_ids_of_a_small_vocabulary() -> None:
    vocabulary = Vocabulary.of(CAPTIONS)
    assert vocabulary.words == ("a", "red", "cat") and vocabulary.size == 5 and vocabulary.length == 4
    assert vocabulary.encode(CAPTIONS).tolist() == [
        [2, 3, 4, 0],
        [2, 3, 3, 1],
        [0, 0, 0, 0],
        [2, 1, 4, 0],
        [1, 0, 0, 0],
    ]
    assert vocabulary.encode(["cat cat cat cat cat"]).tolist() == [[4, 4, 4, 4]]
    assert vocabulary.decode(vocabulary.encode(CAPTIONS)) == ["a red cat", "a red red ?", "", "a ? cat", "?"]


@given(captions=st.lists(st.none() | st.text(max_size=40), max_size=20))
def test_a_vocabulary_is_a_function_of_the_multiset_of_captions(captions: list[str | None]) -> None:
    vocabulary = Vocabulary.of(captions)
    assert Vocabulary.of(captions[::-1]) == vocabulary == Vocabulary.from_json(vocabulary.to_json())
    counts = Counter(word for caption in captions for word in words_of(caption))
    assert set(vocabulary.words) == {word for word, count in counts.items() if count > 1}
    tokens = vocabulary.encode(captions)
    assert tokens.shape == (len(captions), vocabulary.length) and tokens.dtype == torch.int64
    for caption, row in zip(captions, tokens, strict=True):
        words = words_of(caption)
        assert int((row != PADDING).sum()) == min(len(words), vocabulary.length)
        assert int((row == UNKNOWN).sum()) == sum(counts[word] < 2 for word in words[: vocabulary.length])
    known = tokens[(tokens != UNKNOWN).all(1)]
    assert torch.equal(vocabulary.encode(vocabulary.decode(known)), known)


def test_a_long_caption_is_cut_at_64_words() -> None:
    assert Vocabulary.of(["word " * 100]).encode(["word " * 100]).shape == (1, 64)


def test_all_splits_share_the_words_of_the_training_file(root: Path) -> None:
    captions = [CAPTIONS[i % 5] for i in range(40)]
    write(root, "captioned", "train", captions)
    write(root, "captioned", "test", ["zebra red giraffe", "cat", "cat"])
    data = load("captioned", validation=0.25)
    vocabulary = Vocabulary.of(captions)
    assert data.vocabulary == vocabulary
    assert (data.spec.vocabulary_size, data.spec.text_length) == (vocabulary.size, vocabulary.length)
    for split in (data.train, data.validation):
        assert split.rows is not None
        expected = vocabulary.encode([captions[row] for row in split.rows.tolist()])
        assert torch.equal(split.batch(slice(None))["text"], expected)
        assert split.text(slice(0, 2)) == [captions[row] for row in split.rows[:2].tolist()]
    expected = vocabulary.encode(["zebra red giraffe", "cat", "cat"])
    assert torch.equal(data.test.batch(slice(None))["text"], expected)
    assert torch.equal(load_split("captioned", "test").batch(slice(None))["text"], expected)
    assert torch.equal(load("captioned@2").test.batch(slice(None))["text"], expected)
    about = info("captioned")
    assert (about["words"], about["caption"]) == (vocabulary.size, vocabulary.length)


def test_a_changed_training_file_changes_the_tokens_of_the_test_file(root: Path) -> None:
    write(root, "captioned", "train", ["red cat", "red cat", "dog"])
    write(root, "captioned", "test", ["dog", "cat"])
    assert load_split("captioned", "test").batch(slice(None))["text"].tolist() == [[1, 0], [2, 0]]
    (root / "captioned" / "train.parquet").unlink()
    write(root, "captioned", "train", ["dog", "dog"])
    assert load_split("captioned", "test").batch(slice(None))["text"].tolist() == [[2], [1]]


def test_a_set_without_a_training_file_speaks_its_own_words(root: Path) -> None:
    write(root, "outliers", "test", ["cat", "cat", "dog"])
    assert load("outliers").test.batch(slice(None))["text"].tolist() == [[2], [2], [1]]


def test_captions_in_one_file_alone(root: Path) -> None:
    write(root, "half", "train", None, n=20)
    write(root, "half", "test", ["cat", "cat"])
    assert load("half").spec.vocabulary_size is None and "text" not in load("half").train.batch(slice(0, 2))
    with pytest.raises(UserError, match="only one of the two files of 'half' has a column 'text'"):
        _ = load("half").test


def test_emoji_names_are_tokens(any_root: Callable[[str], Path]) -> None:
    data = load("emoji", root=any_root("emoji"))
    batch = data.test.batch(slice(0, 20))
    assert data.vocabulary is not None and batch["text"].shape == (20, data.spec.text_length)
    for caption, decoded in zip(data.test.text(slice(0, 20)), data.vocabulary.decode(batch["text"]), strict=True):
        assert len(decoded.split()) == min(len(words_of(caption)), data.vocabulary.length)
        assert all(ours in ("?", theirs) for ours, theirs in zip(decoded.split(), words_of(caption), strict=False))
