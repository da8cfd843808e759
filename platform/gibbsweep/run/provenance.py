"""The provenance of a number: the commit of the code, the script of the study, and the device."""

from __future__ import annotations

import json
import platform
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch


@cache
def git_commit() -> str:
    """The commit of this checkout, with "-dirty" where files differ from it; "unknown" outside a checkout."""
    here = Path(__file__).resolve().parent
    if "site-packages" in here.parts:  # installed: a repository around that folder is somebody else's
        return "unknown"
    try:
        head = _git(here, "rev-parse", "HEAD")
        dirty = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError) as error:
        checkout = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)
        if checkout is not None:  # once a process, as the result is cached
            print(f"the commit is recorded as unknown: {_why_git_refuses(error, checkout)}", file=sys.stderr)
        return "unknown"
    return f"{head}-dirty" if dirty else head


def script_record(script: Path) -> dict[str, Any]:
    """The name of a study's ``script``, the commit of the repository that it lies in ("unknown" outside one), and
    whether anything that is tracked there, or the script itself, differs from that commit (None where nobody knows)."""
    folder = script.resolve().parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
        untracked = _git(folder, "status", "--porcelain", "--", script.name)
    except (OSError, subprocess.SubprocessError):
        return {"name": script.name, "commit": "unknown", "dirty": None}
    return {"name": script.name, "commit": commit, "dirty": bool(changed or untracked)}


def keep_script(script: Path, folder: Path) -> None:
    """Copy a study's ``script`` and its :func:`script_record` to ``folder/script/``, unless something is there."""
    kept = folder / "script"
    if kept.exists():
        return
    kept.mkdir(parents=True)
    shutil.copyfile(script, kept / script.name)
    (kept / "script.json").write_text(json.dumps(script_record(script), indent=1) + "\n")


def _git(folder: Path, *words: str) -> str:
    """What git prints about ``folder``."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


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
