"""A folder of runs that was moved: its SQLite store learns where the pictures are now.

MLflow keeps the absolute path of the artifacts in each experiment and run. ``python -m gibbsweep.track.moved RUNS``
does this for a folder of runs and prints the URI of its store, for `make ui`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gibbsweep.track.uri import default_tracking_uri, sqlite_path

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


def main() -> None:
    """Print the URI of the store in the folder of runs that the first argument names."""
    uri = default_tracking_uri(Path(sys.argv[1]))
    database = sqlite_path(uri)
    if database is not None and database.exists():
        with contextlib.suppress(sqlite3.Error):  # no tables yet, or those of another version: the server says which
            follow_move(database)
    print(uri)


if __name__ == "__main__":
    main()
