"""Outcomes and notes of a run: what they say in words, and how a file is refused that no run wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.folder import (
    CheckpointCopy,
    MemoryRetry,
    Outcome,
    Restart,
    SpoolWriter,
    read_copies,
    read_memory_retries,
    read_restarts,
    spent,
    survived,
    write_copies,
    write_memory_retries,
)

RESTART = Restart(30, "cd", "loss is nan", resumed_at=20, values={"learning_rate": 0.05}, lost_seconds=2.0)
RETRY = MemoryRetry("rbm", "gpu", 20, before=4, after=1, cpus=2, gpus=1.0, message="CUDA out of memory", certain=False)


def test_notes_in_words() -> None:
    assert str(RESTART) == "loss is nan; it goes on from the checkpoint of update 20 with learning_rate=0.05"
    assert str(RETRY) == (
        "may have run out of memory with up to 4 on a GPU; it goes on from the checkpoint of update 20 alone on a GPU"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "holds a list, expected a JSON object"),
        ('{"step": 3}', "outcome is None, expected one of completed, pruned, diverged, failed"),
        ('{"outcome": "paused", "step": 3}', "outcome is 'paused', expected one of completed"),
        ('{"outcome": "completed"}', "is not a run's outcome"),
        (
            '{"outcome": "completed", "step": 3, "metrics": {"loss": "low"}}',
            "metric 'loss' is 'low', expected a number",
        ),
        ('{"outcome": "completed", "step": 3, "colour": "red"}', "colour"),
        ('{"outcome": "completed", "step": 3, "restarts": [{"step": 1}]}', "is not a run's outcome"),
    ],
)
def test_an_outcome_that_no_run_wrote_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "outcome.json").write_text(content)
    with pytest.raises(UserError, match=f"{tmp_path}/outcome.json.*{complaint}"):
        Outcome.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "read"),
    [("restarts.json", read_restarts), ("packing.json", read_memory_retries), ("takeovers.json", read_copies)],
)
def test_a_note_that_no_run_wrote_is_refused(tmp_path: Path, name: str, read: Callable[[Path], list[object]]) -> None:
    assert read(tmp_path) == []
    for content in ("[{", '[{"step": 3}]'):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match=f"{tmp_path}/{name} is not what a run wrote"):
            read(tmp_path)


def test_the_values_of_a_copy_survive_the_file(tmp_path: Path) -> None:
    copies = [
        CheckpointCopy(5, "rbm-0007", {"rate": 0.012}, {"rate": (0.01, 0.012)}, "diverged: loss is nan", done=True),
        CheckpointCopy(10, "rbm-0003", {"rate": 0.02}),
    ]
    write_copies(tmp_path, copies)
    assert read_copies(tmp_path) == copies
    assert [copy.lost_as for copy in copies] == ["diverged", ""]
    assert str(copies[0]) == "<- rbm-0007 after 5 updates (rate 0.01 -> 0.012)"


def test_stability_is_the_share_before_the_first_divergence() -> None:
    assert survived(Outcome("completed", 100), 100) == 1.0
    assert survived(Outcome("completed", 100, restarts=(RESTART,)), 100) == 0.3
    assert survived(Outcome("diverged", 40), 100) == 0.4
    assert survived(Outcome("diverged", 40, restarts=(RESTART,)), 100) == 0.3


def test_what_a_run_without_an_outcome_had_spent_is_in_its_last_report(tmp_path: Path) -> None:
    assert spent(tmp_path) == {}
    writer = SpoolWriter(tmp_path / "metrics.jsonl")
    writer.append(5, {"train/device_seconds": 1.0, "train/samples": 50.0})
    assert spent(tmp_path) == {"device_seconds": 1.0, "samples": 50}
    writer.append(10, {"train/device_seconds": 2.5, "train/samples": 100.0, "train/nfe": 40.0})
    writer.close()
    write_memory_retries(tmp_path, [RETRY])
    fields = spent(tmp_path)
    assert fields == {"device_seconds": 2.5, "samples": 100, "nfe": 40, "memory_retries": (RETRY,)}
    Outcome("failed", 10, **fields).write(tmp_path)
    assert json.loads((tmp_path / "outcome.json").read_text())["repackings"][0]["contender"] == "rbm"
    assert Outcome.read(tmp_path) == Outcome("failed", 10, **fields)
