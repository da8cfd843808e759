"""What Ray leaves behind of a trial that failed says why it did."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.train import TrainingFailedError
from ray.train.v2.api.exceptions import WorkerGroupError

from gibbsweep.train.out_of_memory import OutOfMemory
from gibbsweep.tune.on_ray import deaths
from gibbsweep.tune.on_ray.deaths import Death, Deaths


def failed(folder: Path, error: BaseException) -> Any:
    """A trial as Tune leaves it: the errors of tasks and actors as they are, others in words."""
    (folder / "error.txt").write_text(f"Failure # 1 (occurred at 2026-11-25)\n{error}\n")
    trial = SimpleNamespace(error_file=str(folder / "error.txt"), pickled_error_file=None)
    if isinstance(error, (RayTaskError, ActorDiedError)):
        (folder / "error.pkl").write_bytes(pickle.dumps(error))
        trial.pickled_error_file = str(folder / "error.pkl")
    return trial


def task_error(cause: Exception) -> RayTaskError:
    return RayTaskError("run_trial", "Traceback ...", cause)


def group_error(*errors: Exception) -> TrainingFailedError:
    return WorkerGroupError("of two workers", dict(enumerate(errors)))


def test_what_a_trial_raised(tmp_path: Path) -> None:
    own = Deaths()
    found = own.of(failed(tmp_path, task_error(OutOfMemory("gpu", "OutOfMemoryError: CUDA out of memory"))))
    assert found == Death("OutOfMemoryError: CUDA out of memory", "gpu")
    assert own.of(failed(tmp_path, task_error(group_error(ValueError("no"), MemoryError("no more"))))).memory == "host"
    other = own.of(failed(tmp_path, task_error(ValueError("on fire"))))
    assert (other.memory, other.silent) == (None, False) and "on fire" in other.message


def test_rays_memory_monitor(tmp_path: Path) -> None:
    words = RuntimeError("Task was killed due to the node running low on memory.\nMemory on the node was 95 %.")
    assert Deaths().of(failed(tmp_path, words)) == Death(
        "Task was killed due to the node running low on memory.", "host"
    )


@pytest.mark.parametrize("error", [ActorDiedError(), task_error(group_error(ActorDiedError()))])
def test_a_process_that_is_gone_was_killed_by_the_kernel_if_that_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    kills = 3
    monkeypatch.setattr(deaths, "kills_so_far", lambda: kills)
    own = Deaths()
    assert own.of(failed(tmp_path, error)).silent, "those of before the sweep are none of its own"
    kills = 4
    assert own.of(failed(tmp_path, error)).memory == "host"
    assert own.of(failed(tmp_path, error)) == Death("its process was killed, or crashed", None, True), (
        "each counts once"
    )


def test_a_trial_that_left_nothing(tmp_path: Path) -> None:
    assert Deaths().of(SimpleNamespace(error_file=None, pickled_error_file=None)) == Death("its process ended")  # type: ignore[arg-type]
