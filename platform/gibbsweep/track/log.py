"""The log of tracking: messages of MLflow and of this package go to the sweep's ``track.log``, never to the
terminal."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gibbsweep.track.stores.store import configure_mlflow
from gibbsweep.track.stores.uri import redact

LOGGERS = ("gibbsweep.track", "mlflow", "alembic", "sqlalchemy.engine", "huey", "urllib3")
"""Ours, MLflow's, and those of the libraries that MLflow uses."""


class _WithoutPasswords(logging.Formatter):
    """A formatter of log lines, tracebacks included, that hides the passwords of URIs."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


@contextmanager
def log_to(path: Path) -> Iterator[logging.Logger]:
    """Sends the messages of all ``LOGGERS`` to the file ``path`` while the block runs; yields the logger of this
    package."""
    configure_mlflow()
    importlib.import_module("mlflow")  # its first import installs handlers, which are set aside below

    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(_WithoutPasswords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    ours = loggers[0]
    level = ours.level
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    ours.setLevel(logging.INFO)
    try:
        yield ours
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        ours.setLevel(level)
        handler.close()
