"""A sweep's folder belongs to one sweep: it is claimed before anything is written into it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.tiny import STUDY

from gibbsweep.errors import UserError
from gibbsweep.tune.folder.driver import only_driver
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup import create as module
from gibbsweep.tune.setup.create import create


def at_once(runs: Path, names: list[str | None], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int] | str]:
    """The name and the seed of each sweep that was made, or the error; all have looked before one of them writes."""
    barrier = threading.Barrier(len(names))

    def check_slowly(*_: object) -> dict[str, tuple[str, ...]]:
        barrier.wait(60)
        return {}

    monkeypatch.setattr(module, "check", check_slowly)
    monkeypatch.setattr(time, "strftime", lambda form: "20261130-212545")

    def make(seed: int) -> tuple[str, int] | str:
        options = SweepOptions(runs=runs, name=names[seed], seed=seed, budget="smoke")
        try:
            sweep, settings = create(STUDY, options, has_gpu=False)
        except UserError as error:
            return str(error)
        with only_driver(sweep, "python x.py"):
            assert sweep.record()["options"]["seed"] == settings.seed == seed
        return sweep.name, seed

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(make, range(len(names))))


def test_sweeps_of_one_second_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = at_once(tmp_path / "runs", [None] * 4, monkeypatch)
    assert sorted(name for name, _ in made) == [f"tiny-20261130-212545{end}" for end in ("", "-2", "-3", "-4")]
    assert sorted(seed for _, seed in made) == [0, 1, 2, 3]


def test_of_sweeps_with_one_name_one_is_made_and_the_others_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = at_once(tmp_path / "runs", ["x"] * 4, monkeypatch)
    refused = [error for error in made if isinstance(error, str)]
    assert len(refused) == 3
    assert all("there is already a sweep 'x'" in error for error in refused)
    assert sorted(path.name for path in (tmp_path / "runs" / "x").iterdir()) == [
        "driver.json",
        "driver.lock",
        "sweep.json",
    ]


def test_a_folder_without_a_record_is_no_sweep_and_can_become_one(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    sweep, _ = create(STUDY, SweepOptions(runs=tmp_path, name="x", budget="smoke"), has_gpu=False)
    assert sweep.record()["name"] == "x"
