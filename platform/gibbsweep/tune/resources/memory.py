"""The memory that this machine has for trials, and how often its kernel has killed a process for lack of memory."""

from __future__ import annotations

from pathlib import Path

import psutil


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that new processes may use: what the machine has available, or what this process's control groups leave
    below their limits, whichever is less (a container sees the machine's memory, and is killed at its own limit)."""
    free = [psutil.virtual_memory().available]
    for folder in _groups(root):
        for limit, used, stat, reclaimable in (
            ("memory.max", "memory.current", "memory.stat", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file"),
        ):
            most_bytes, used_bytes = _number(folder / limit), _number(folder / used)
            if most_bytes is not None and used_bytes is not None:
                reclaimable_bytes = _numbers(folder / stat).get(reclaimable, 0)
                free.append(max(0, most_bytes - max(0, used_bytes - reclaimable_bytes)))
    return min(free)


def kills_so_far(root: Path = Path("/")) -> int:
    """The number of processes that the kernel has killed for lack of memory since it started: in this process's control
    group where that is counted, else on the machine. 0 where nothing counts them."""
    for folder in _groups(root):
        for name in ("memory.events", "memory.oom_control"):
            counts = _numbers(folder / name)
            if "oom_kill" in counts:
                return counts["oom_kill"]
    return _numbers(root / "proc/vmstat").get("oom_kill", 0)


def _groups(root: Path) -> list[Path]:
    """The folders of this process's control group for memory and of those around it, the innermost first."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return []
    folders = []
    for line in lines:
        number, names, path = line.split(":", 2)
        base = root / "sys/fs/cgroup" if number == "0" else root / "sys/fs/cgroup/memory"
        if number != "0" and "memory" not in names.split(","):
            continue
        group = Path(path.lstrip("/"))
        folders += [base / part for part in (group, *group.parents) if (base / part).is_dir()]
    return folders


def _number(path: Path) -> int | None:
    """The number in the file ``path``; None for ``max``, and where there is no such file."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _numbers(path: Path) -> dict[str, int]:
    """The ``name number`` lines of the file ``path``; empty where there is no such file."""
    try:
        words = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}
