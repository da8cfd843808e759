"""MLflow's own messages go to the sweep's ``track.log``, never to the terminal."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gibbsweep.track.store import configure_mlflow
from gibbsweep.track.uri import redact

TALKERS = ("gibbsweep.track", "mlflow", "alembic", "sqlalchemy.engine", "huey", "urllib3")


class _WithoutPasswords(logging.Formatter):
    """A formatter of log lines, tracebacks included, that hides the passwords of URIs."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


@contextmanager
def log_to(path: Path) -> Iterator[logging.Logger]:
    """Sends the messages of tracking, MLflow and what it stands on to a file while the block runs."""
    configure_mlflow()
    importlib.import_module("mlflow")  # installs handlers when it is first imported: they are set aside below

    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(_WithoutPasswords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    talkers = [logging.getLogger(name) for name in TALKERS]
    before = [(talker.handlers, talker.propagate) for talker in talkers]
    own = talkers[0]
    level = own.level
    for talker in talkers:
        talker.handlers, talker.propagate = [handler], False
    own.setLevel(logging.INFO)
    try:
        yield own
    finally:
        for talker, (handlers, propagate) in zip(talkers, before, strict=True):
            talker.handlers, talker.propagate = handlers, propagate
        own.setLevel(level)
        handler.close()
