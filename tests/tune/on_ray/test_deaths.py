"""What Ray leaves behind of a trial that failed says why it did."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.exceptions import OutOfMemoryError as EndedByMonitor
from ray.train import TrainingFailedError
from ray.train.v2.api.exceptions import WorkerGroupError

from gibbsweep.train.out_of_memory import OutOfMemory
from gibbsweep.tune.on_ray import deaths
from gibbsweep.tune.on_ray.deaths import Death, Deaths


class _Trial:
    """A trial as Tune has it: its ``handle_error`` is called with the error, and writes that down in words."""

    trial_id = "1"
    error_file: str | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def handle_error(self, exc: BaseException | None = None) -> None:
        self.error_file = str(self._folder / "error.txt")
        Path(self.error_file).write_text(f"Failure # 1 (occurred at 2026-11-25)\n{exc}\n")


def failed(folder: Path, deaths: Deaths, error: BaseException) -> Any:
    """A trial that ``deaths`` listens to and that Tune has told of ``error``."""
    trial: Any = _Trial(folder)
    deaths.listen(trial)
    trial.handle_error(error)
    return trial


def task_error(cause: Exception) -> RayTaskError:
    return RayTaskError("run_trial", "Traceback ...", cause)


def group_error(*errors: Exception) -> TrainingFailedError:
    return WorkerGroupError("of two workers", dict(enumerate(errors)))


def test_what_a_trial_raised(tmp_path: Path) -> None:
    own = Deaths()
    found = own.of(failed(tmp_path, own, task_error(OutOfMemory("gpu", "OutOfMemoryError: CUDA out of memory"))))
    assert found == Death("OutOfMemoryError: CUDA out of memory", "gpu")
    assert (
        own.of(failed(tmp_path, own, task_error(group_error(ValueError("no"), MemoryError("no more"))))).memory
        == "host"
    )
    other = own.of(failed(tmp_path, own, task_error(ValueError("on fire"))))
    assert (other.memory, other.silent) == (None, False) and "on fire" in other.message


def test_a_process_that_could_not_begin(tmp_path: Path) -> None:
    """Ray tells of it in one of two ways: as the error of the task, or as an actor that died in its creation."""
    cause = ModuleNotFoundError("No module named 'only_here'")
    for error in (task_error(cause), ActorDiedError(RayTaskError("__init__", f"Traceback ...\n{cause!r}", cause))):
        own = Deaths()
        found = own.of(failed(tmp_path, own, error))
        assert found.raised and not found.silent and found.memory is None
        assert "No module named 'only_here'" in found.message


def test_rays_memory_monitor(tmp_path: Path) -> None:
    words = "1 worker(s) were killed due to the node running low on memory.\nMemory on the node was 95 %."
    own, said = Deaths(), "1 worker(s) were killed due to the node running low on memory."
    assert own.of(failed(tmp_path, own, RuntimeError(words))) == Death(said, "host")
    for error in (EndedByMonitor(words), task_error(group_error(EndedByMonitor(words)))):
        assert own.of(failed(tmp_path, own, error)) == Death(f"OutOfMemoryError: {said}", "host")


@pytest.mark.parametrize("error", [ActorDiedError(), task_error(group_error(ActorDiedError()))])
def test_a_process_that_is_gone_was_killed_by_the_kernel_if_that_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    kills = 3
    monkeypatch.setattr(deaths, "kills_so_far", lambda: kills)
    own = Deaths()
    assert own.of(failed(tmp_path, own, error)).silent, "those of before the sweep are none of its own"
    kills = 4
    assert own.of(failed(tmp_path, own, error)).memory == "host"
    assert own.of(failed(tmp_path, own, error)) == Death("its process was killed, or crashed", None, True), (
        "each counts once"
    )


def test_a_process_that_could_not_load_its_code_raised_it(tmp_path: Path) -> None:
    """Its actor died, but neither was it killed nor did it crash."""
    own, error = Deaths(), RayTaskError("__init__", "Traceback ...\nNo module named 'x'", ModuleNotFoundError("x"))
    found = own.of(failed(tmp_path, own, ActorDiedError(error)))
    assert found == Death("No module named 'x'", raised=True)


def test_a_trial_that_left_nothing(tmp_path: Path) -> None:
    assert Deaths().of(_Trial(tmp_path)) == Death("its process ended")  # type: ignore[arg-type]


def test_tune_may_save_a_trial_that_is_listened_to(tmp_path: Path) -> None:
    """Its own saves of trials hold nothing of the listener, and no error that cannot be pickled."""
    trial: Any = _Trial(tmp_path)
    Deaths().listen(trial)
    assert type(pickle.loads(pickle.dumps(trial.handle_error))) is object
