"""Stand-ins load under the names of the sets whose place they take, and have their form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.stand_ins import STAND_INS

from gibbsweep.data import load_split

SPLITS = ("train", "test")


def form_of(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Columns with their types, and what the file states of its examples."""
    schema = pq.read_schema(path)
    stated = json.loads(schema.metadata[b"gibbsweep"])
    return dict(zip(schema.names, map(str, schema.types), strict=True)), {
        key: stated[key] for key in ("shape", "sampling_rate", "packed") if stated.get(key)
    }


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_loads(name: str, stand_ins: Path) -> None:
    for split in SPLITS:
        if (stand_ins / name / f"{split}.parquet").exists():
            examples = load_split(name, split, root=stand_ins)
            assert len(examples) >= 50
            assert examples.batch(slice(0, 50))["x"].std() > 0


@pytest.mark.real_data
@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_has_the_form_of_the_real_set(name: str, stand_ins: Path, real_set: Callable[[str], Path]) -> None:
    theirs, ours = real_set(name) / name, stand_ins / name
    assert {path.name for path in theirs.glob("*.parquet")} == {path.name for path in ours.glob("*.parquet")}
    for path in ours.glob("*.parquet"):
        columns, stated = form_of(path)
        real_columns, real_stated = form_of(theirs / path.name)
        assert columns.items() <= real_columns.items()
        assert all(stated[key] == value for key, value in real_stated.items())
