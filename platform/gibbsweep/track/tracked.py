"""What has reached the tracking store already: ``tracked.json`` in every trial folder and in the sweep's folder.

Each file is replaced atomically after a send succeeded, never before. A crash in between sends the same things again,
with the same step, time and value, which the store ignores: together they make "exactly once". That is also why a
trial's file need
not survive the machine: an older one, none or an empty one sends again what the store ignores.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Self

from gibbsweep.folder.layout import TRACKED
from gibbsweep.folder.whole import replace_atomically, sync_folder

log = logging.getLogger("gibbsweep.track")


@dataclass
class _Tracked:
    store: str = ""
    """The tracking URI, without its password, that the rest of the file is about."""
    run_id: str = ""
    kept: ClassVar[tuple[str, ...]] = ()
    """What holds for any store."""
    durable: ClassVar[bool] = False
    """Whether a saved file survives the machine, at the cost of waiting for its disk."""

    @classmethod
    def load(cls, folder: Path, store: str) -> Self:
        """The state kept in ``folder``; an empty one if there is none or it is about another store."""
        path = folder / TRACKED
        if not path.exists():
            return cls(store=store)
        try:
            content = json.loads(path.read_text())
            state = cls(**{key: content[key] for key in (f.name for f in fields(cls)) if key in content})
        except (ValueError, TypeError) as error:
            log.warning("%s is unreadable (%s): its runs are looked up and everything is sent again", path, error)
            return cls(store=store)
        if state.store != store:
            log.info("%s is about %s: everything is sent to %s", path, state.store, store)
            return cls(store=store, **{name: getattr(state, name) for name in cls.kept})
        return state

    def save(self, folder: Path) -> None:
        """Replace the state kept in ``folder``."""
        replace_atomically(folder / TRACKED, json.dumps(asdict(self)).encode(), durable=self.durable)
        if self.durable:
            sync_folder(folder)


@dataclass
class TrackedTrial(_Tracked):
    """What the store has of one trial."""

    parent_id: str = ""
    described: bool = False
    """Parameters and data set are there."""
    offset: int = 0
    """Bytes of the spool that are there."""
    last_time: float = 0.0
    """Unix seconds of the last record sent."""
    infinite: list[str] = field(default_factory=list)
    """``name=+inf@step``: the first step at which a metric became infinite, by sign."""
    images: list[str] = field(default_factory=list)
    """Paths below ``images/``."""
    sounds: list[str] = field(default_factory=list)
    """Paths below ``sounds/``."""
    status: str = "RUNNING"
    outcome: str = ""
    outcome_stamp: str = ""
    """Modification time and size of the ``outcome.json`` that ended the run."""
    finished: bool = False
    deleted: bool = False
    """The user deleted the run in MLflow: nothing more is sent."""


@dataclass
class TrackedSweep(_Tracked):
    """What the store has of the sweep's own run."""

    kept: ClassVar[tuple[str, ...]] = ("experiment", "ending")
    durable: ClassVar[bool] = True  # how the sweep ended is written nowhere else
    experiment: str = ""
    status: str = "RUNNING"
    ending: str = ""
    """The status asked for when the sweep ended, to be applied once the store can be reached."""
    counts: dict[str, int] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    """Path relative to the sweep's folder -> its :func:`stamp` when it was sent."""


def stamp(path: Path | str) -> str:
    """Modification time (ns) and size of a file, or "" if there is none."""
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return ""
    return f"{stat.st_mtime_ns}:{stat.st_size}"
