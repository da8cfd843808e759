"""A real PostgreSQL server for a test, where one is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def programs() -> Path | None:
    """The folder of the server's programs."""
    initdbs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return initdbs[-1].parent if initdbs else Path(on_path).parent if on_path else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URI of an empty database; skips the test where there is no server or no driver."""
    folder_of_programs = programs()
    driver = next((name for name in ("psycopg2", "psycopg") if importlib.util.find_spec(name)), None)
    if folder_of_programs is None or driver is None:
        pytest.skip(f"needs PostgreSQL (initdb: {folder_of_programs}) and its driver psycopg2 or psycopg ({driver})")
    # Not under pytest's own folder: each pytest that starts closes it to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="gibbsweep-pg-") as name, socket.socket() as probe:
        folder = Path(name)
        # Bound, not listening: the port stays ours until PostgreSQL takes it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        user: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            user = {"user": "postgres"}
            shutil.chown(folder, "postgres")
        data, options = folder / "data", f"-k {folder} -c listen_addresses=127.0.0.1 -c port={port} -c fsync=off"

        def run(program: str, *arguments: str) -> None:
            command = [str(folder_of_programs / program), *arguments]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)

        run("initdb", "-D", str(data), "-A", "trust", "-U", "gibbsweep")
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "gibbsweep", "mlflow")
            yield f"postgresql+{driver}://gibbsweep@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
