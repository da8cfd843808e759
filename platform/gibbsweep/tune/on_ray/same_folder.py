"""Proves to a trial that its folder is the driver's. In another folder of that name, as on a machine that does not
mount the shared one, it would train to its end and nobody would see what it wrote."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder, write_json
from gibbsweep.folder.outcome import AGAIN_S, REMEMBERED_S
from gibbsweep.folder.whole import is_listed
from gibbsweep.tune.folder.layout import SweepDir

PATIENCE_S = REMEMBERED_S
"""Seconds for which a trial looks for the driver's sign: its machine may remember the folder as it was."""

ADVICE = (
    "mount one folder on all machines of the cluster and start again with --runs on it (or name it in the environment "
    "variable GIBBSWEEP_RUNS); or mount this one there, then "
)
"""What a person does about machines that do not share the folder, before the command that continues the sweep."""


class NotTheSame(UserError):
    """The folder of a trial is not the driver's."""


def sign(sweep: SweepDir, session: str) -> None:
    """Leave the sign of the driver's ``session`` in the folder of ``sweep``."""
    write_json(sweep.session, {"session": session})


def check_same(run_dir: Path, session: str, patience_s: float) -> None:
    """Raise NotTheSame, which says where, if the folder of the sweep that the run in ``run_dir`` belongs to does not
    show the sign of ``session`` within ``patience_s`` seconds. Writes nothing."""
    sweep = SweepDir(RunFolder(run_dir).sweep.path)
    deadline = time.monotonic() + patience_s
    while _signed(sweep.session) != session:
        if time.monotonic() >= deadline:
            raise NotTheSame(
                f"{sweep.path.parent} on {socket.gethostname()} is not the folder of that name on the machine that "
                "drives the sweep, so that what a trial writes there would be lost"
            )
        time.sleep(AGAIN_S)


def _signed(path: Path) -> str | None:
    """The session in the file ``path``; None where there is none to be read now."""
    if not is_listed(path):
        return None
    try:
        return str(json.loads(path.read_text())["session"])
    except (OSError, ValueError, KeyError, TypeError):  # replaced at this moment, or not this program's
        return None
