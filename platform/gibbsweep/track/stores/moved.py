"""A folder of runs that was moved: its SQLite store learns where the pictures are now.

MLflow keeps the absolute path of the artifacts in each experiment and run.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ARTIFACTS = "mlartifacts"
"""The folder of the artifacts, beside the database."""


def follow_move(database: Path) -> None:
    """Write the path of the artifacts beside ``database``, where there are some, in place of another folder's.

    Only locations as Gibbsweep makes them (``file:///.../mlartifacts``) are changed, all in one transaction.
    """
    folder = database.parent / ARTIFACTS
    if not folder.is_dir():
        return
    new = folder.as_uri()
    with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        locations = connection.execute(
            "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?",
            (f"file://%/{ARTIFACTS}",),
        ).fetchall()
        for (old,) in locations:
            if old == new or _same(Path(url2pathname(urlsplit(old).path)), folder):
                continue
            connection.execute("UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (new, old))
            connection.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE substr(artifact_uri, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )


def _same(one: Path, other: Path) -> bool:
    return one.exists() and os.path.samefile(one, other)


def follow_move_if_any(database: Path) -> None:
    """Do as :func:`follow_move` where ``database`` exists and has MLflow's tables. Where it has none yet, or those of
    another version, MLflow's server says so."""
    if database.exists():
        with contextlib.suppress(sqlite3.Error):
            follow_move(database)
