"""What has reached the tracking store: ``tracked.json`` in every trial's folder and in the sweep's folder.

Each file is replaced atomically after a send has succeeded, never before. After a crash in between, the same things
are sent again with the same step, time and value, and the store ignores them: so everything arrives exactly once.
For the same reason a trial's file need not survive a loss of power: with an older file, an empty one or none,
tracking sends again what the store then ignores.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from gibbsweep.folder.layout import TRACKED
from gibbsweep.folder.whole import replace_atomically, sync_folder

log = logging.getLogger("gibbsweep.track")


@dataclass
class _Tracked:
    """What one store has of one folder."""

    store: str = ""
    """The tracking URI of the store, without its password."""
    run_id: str = ""
    """The id of the folder's run; "" while it has none."""
    for_any_store: ClassVar[tuple[str, ...]] = ()
    """The fields that hold for every store."""
    durable: ClassVar[bool] = False
    """Whether a saved file survives a loss of power, at the cost of waiting for the disk."""

    @classmethod
    def load(cls, folder: Path, store: str) -> Self:
        """Reads the state in ``folder``; an empty one if there is none, or if it is about another store."""
        path = folder / TRACKED
        if not path.exists():
            return cls(store=store)
        try:
            state = cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            log.warning("%s is unreadable (%s): its runs are looked up and everything is sent again", path, error)
            return cls(store=store)
        if state.store != store:
            log.info("%s is about %s: everything is sent to %s", path, state.store, store)
            return cls(store=store, **{name: getattr(state, name) for name in cls.for_any_store})
        return state

    def save(self, folder: Path) -> None:
        """Replaces the state in ``folder``."""
        replace_atomically(folder / TRACKED, json.dumps(asdict(self)).encode(), durable=self.durable)
        if self.durable:
            sync_folder(folder)


@dataclass
class TrackedTrial(_Tracked):
    """What the store has of one trial."""

    parent_id: str = ""
    """The id of the sweep's run."""
    described: bool = False
    """Whether the run has its parameters and its data set."""
    offset: int = 0
    """Bytes of the spool that the run has."""
    last_time: float = 0.0
    """Unix seconds of the last report that was sent."""
    infinite: list[str] = field(default_factory=list)
    """The first step at which a metric became infinite, for each sign: ``name=+inf@step``."""
    images: list[str] = field(default_factory=list)
    """The pictures that were sent, as paths below ``images/``."""
    sounds: list[str] = field(default_factory=list)
    """The sounds that were sent, as paths below ``sounds/``."""
    status: str = "RUNNING"
    """The run's status in MLflow."""
    outcome: str = ""
    """The kind of the outcome that ended the run; "" while it runs."""
    outcome_stamp: str = ""
    """The :func:`stamp` of the ``outcome.json`` that ended the run."""
    finished: bool = False
    """Whether the run was ended with an outcome."""
    deleted: bool = False
    """Whether the user has deleted the run in MLflow. Nothing more is sent then."""


@dataclass
class TrackedSweep(_Tracked):
    """What the store has of the sweep's own run."""

    for_any_store: ClassVar[tuple[str, ...]] = ("experiment", "ending")
    durable: ClassVar[bool] = True  # no other file says how the sweep ended
    experiment: str = ""
    """The name of the experiment."""
    status: str = "RUNNING"
    """The run's status in MLflow."""
    ending: str = ""
    """The status that the sweep ended with, for the run once the store can be reached; "" while the sweep runs."""
    counts: dict[str, int] = field(default_factory=dict)
    """The number of ended trials by kind of outcome, as last sent."""
    table: str = ""
    """The :func:`stamp` of the results whose numbers and description the sweep's own run has; "" while it has none."""
    artifacts: dict[str, str] = field(default_factory=dict)
    """Path of a file relative to the sweep's folder -> its :func:`stamp` when it was sent."""


def stamp(path: Path | str) -> str:
    """The modification time (ns) and size of a file, which change when it does; "" if there is no file."""
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return ""
    return f"{stat.st_mtime_ns}:{stat.st_size}"
