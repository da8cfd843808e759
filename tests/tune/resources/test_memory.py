"""Which errors say that a memory ran out, and how much of it a machine or a container has."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import psutil
import pytest
import torch

from gibbsweep.train.out_of_memory import OutOfMemory, first_line, memory_of
from gibbsweep.tune.resources.memory import available_memory, kills_so_far


class Group(Exception):
    """As Ray reports the errors of a group of workers."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__("Training failed due to worker errors")
        self.worker_failures = dict(enumerate(failures))


class Wrapped(Exception):
    def __init__(self, cause: Exception) -> None:
        super().__init__("a task failed")
        self.cause = cause


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), "gpu"),
        (RuntimeError("CUDA error: out of memory"), "gpu"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "gpu"),
        (MemoryError(), "host"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
            "host",
        ),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "host"),
        (RuntimeError("Task was killed due to the node running low on memory."), "host"),
        (OutOfMemory("gpu", "no"), "gpu"),
        (Group(ValueError("no"), MemoryError()), "host"),
        (Wrapped(OutOfMemory("gpu", "no")), "gpu"),
        (RuntimeError("the disk of this test is on fire"), None),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), None),
        # What Ray says of any process that is gone: no evidence.
        (
            RuntimeError(
                "There are some potential root causes. (1) The process is killed by SIGKILL by OOM killer due to high "
                "memory usage."
            ),
            None,
        ),
    ],
)  # fmt: skip
def test_what_says_that_a_memory_ran_out(error: Exception, memory: str | None) -> None:
    assert memory_of(error) == memory


def test_what_an_error_came_from_counts() -> None:
    with pytest.raises(ValueError, match="no") as caught:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("no") from error
    assert memory_of(caught.value) == "host"
    assert first_line(caught.value) == "ValueError: no"


def test_torch_says_so_on_a_cpu() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert memory_of(caught.value) == "host"


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/user/job"
    root = files(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user/job\n",
            f"{group}/memory.max": "1000\n",
            f"{group}/memory.current": "700\n",
            f"{group}/memory.stat": "anon 400\ninactive_file 200\n",
            f"{group}/memory.events": "oom 3\noom_kill 2\n",
            "sys/fs/cgroup/user/memory.max": "max\n",
            "proc/vmstat": "oom_kill 7\n",
        },
    )
    assert available_memory(root) == 500
    assert kills_so_far(root) == 2
    files(root, {"sys/fs/cgroup/user/memory.max": "450", "sys/fs/cgroup/user/memory.current": "100"})
    assert available_memory(root) == 350, "the least that any group around it leaves"


def test_a_container_of_the_first_kind(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory/docker/x"
    root = files(
        tmp_path,
        {
            "proc/self/cgroup": "5:devices:/\n4:memory:/docker/x\n",
            f"{group}/memory.limit_in_bytes": "1000",
            f"{group}/memory.usage_in_bytes": "900",
            f"{group}/memory.stat": "total_inactive_file 100",
            f"{group}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
        },
    )
    assert (available_memory(root), kills_so_far(root)) == (200, 4)


def test_without_groups_it_is_the_machine(tmp_path: Path) -> None:
    assert 0 < available_memory(tmp_path) <= psutil.virtual_memory().total
    assert kills_so_far(tmp_path) == 0
    assert kills_so_far(files(tmp_path, {"proc/vmstat": "pgfault 9\noom_kill 7\n"})) == 7


def test_this_machine_can_be_asked() -> None:
    assert 0 < available_memory() <= psutil.virtual_memory().total
    assert kills_so_far() >= 0
