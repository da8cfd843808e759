"""The facts about its data that a run's ``config.json`` keeps, so that its system is built without the data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gibbsweep.data import Dataset, Vocabulary
from gibbsweep_models.types import DataSpec

SPEC = "spec"
"""The key of the record in ``config.json``."""


def spec_record(dataset: Dataset) -> dict[str, Any]:
    """What ``config.json`` says of ``dataset``: its :class:`~gibbsweep_models.types.DataSpec`, the names of its classes
    and its vocabulary."""
    vocabulary = dataset.vocabulary
    return {
        **asdict(dataset.spec),
        "shape": list(dataset.spec.shape),
        "classes": list(dataset.classes),
        "vocabulary": None if vocabulary is None else {"words": list(vocabulary.words), "length": vocabulary.length},
    }


def read_spec(record: Mapping[str, Any]) -> tuple[DataSpec, tuple[str, ...], Vocabulary | None]:
    """The spec, the names of the classes and the vocabulary in ``record``."""
    fields = dict(record)
    classes, words = tuple(fields.pop("classes")), fields.pop("vocabulary")
    vocabulary = None if words is None else Vocabulary(tuple(words["words"]), words["length"])
    return DataSpec(**{**fields, "shape": tuple(fields["shape"])}), classes, vocabulary
