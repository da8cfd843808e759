"""The provenance of a number: the commit of the code, and the device."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch


@cache
def git_commit() -> str:
    """The commit of this checkout, with "-dirty" where files differ from it; "unknown" outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        dirty = status.stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        checkout = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)
        if checkout is not None:  # once a process, as the result is cached
            print(f"the commit is recorded as unknown: {_why_git_refuses(error, checkout)}", file=sys.stderr)
        return "unknown"
    return f"{head}-dirty" if dirty else head


def _why_git_refuses(error: Exception, checkout: Path) -> str:
    """Why git does not read ``checkout``, and what to do, in words."""
    text = str(getattr(error, "stderr", None) or error).strip()
    if "dubious ownership" in text:
        folder = shlex.quote(str(checkout))
        return (
            f"{checkout} belongs to another user, so git refuses it; allow it with "
            f"`git config --global --add safe.directory {folder}`."
        )
    return f"git cannot read {checkout} ({text.splitlines()[0] if text else type(error).__name__})."


def device_name(device: torch.device | str) -> str:
    """The name of the hardware behind ``device``, as tables state it."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({_cpu_model()})"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        return platform.machine()
    return platform.machine()
