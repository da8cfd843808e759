"""The tracking store: where it is, the creation of its tables, and requests that end within bounded time."""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CONNECT_TIMEOUT_S = 5.0


def default_tracking_uri(runs: Path) -> str:
    """The URI of an SQLite file in the folder of the runs, which needs no server."""
    return f"sqlite:///{Path(runs).absolute() / 'mlflow.db'}"


def configure_mlflow() -> None:
    """Sets the environment variables that bound the time of a request and switch off usage statistics, where the
    user has not set them.

    By default MLflow retries a request for minutes. Gibbsweep repeats whole passes itself, so one attempt is
    enough, and a request that was answered too late creates no second run.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def connect(tracking_uri: str) -> MlflowClient:
    """A client of the store. This opens an SQL store, and would create its tables: call :func:`migrate` first."""
    configure_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri)


def migrate(tracking_uri: str) -> None:
    """Creates the tables of an SQL store that has none; does nothing for a server, which creates its own.

    A lock keeps two sweeps that start at once from creating them twice. Raises UserError for a store with the tables of
    another MLflow version: the user decides on an upgrade, after a backup.
    """
    if not is_database(tracking_uri):
        return
    probe(tracking_uri)
    configure_mlflow()
    from mlflow.exceptions import MlflowException

    logger = logging.getLogger("mlflow.store.db.utils")
    level = logger.level
    with FileLock(_migration_lock(tracking_uri)):
        logger.setLevel(logging.WARNING)
        try:
            database = sqlite_path(tracking_uri)
            if database is not None and not database.exists():
                _create_sqlite(database)
            connect(tracking_uri).search_experiments(max_results=1)
        except MlflowException as error:
            if "out-of-date database schema" not in str(error):
                raise
            raise UserError(
                f"the tracking store {redact(tracking_uri)} has the tables of another MLflow version: "
                "back it up, then run `mlflow db upgrade` on it"
            ) from error
        finally:
            logger.setLevel(level)


def _create_sqlite(database: Path) -> None:
    """Creates an SQLite file with MLflow's tables.

    MLflow creates them in a hundred steps and waits for the disk after each. So they are created, without waiting, in a
    file beside ``database``, which is renamed to it once it is whole and on the disk.
    """
    import sqlalchemy
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for leftover in database.parent.glob(f".{database.name}.*.tmp"):  # its process was killed: this one has the lock
        leftover.unlink()
    # A new name each time: MLflow keeps the stores that it has opened, by name.
    temporary = database.with_name(f".{database.name}.{uuid.uuid4().hex}.tmp")

    def do_not_wait_for_the_disk(connection: Any, record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            ((_, _, file),) = connection.execute("PRAGMA database_list")
            if Path(file) == temporary:
                connection.execute("PRAGMA synchronous = OFF")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", do_not_wait_for_the_disk)
    try:
        new_store: Any = SqlAlchemyStore  # its constructor carries no types
        new_store(f"sqlite:///{temporary}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).engine.dispose()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if not database.exists():  # another program may have created it meanwhile
            temporary.replace(database)
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", do_not_wait_for_the_disk)
        temporary.unlink(missing_ok=True)


def probe(tracking_uri: str) -> None:
    """Raises ConnectionError at once if a database server does not answer, where MLflow would try for more than a
    minute.

    A tracking server needs no probe: requests over HTTP are bounded, and may go through a proxy.
    """
    if not is_database(tracking_uri) or tracking_uri.startswith("sqlite"):
        return
    parts = urlsplit(tracking_uri)
    default = 3306 if parts.scheme.startswith("mysql") else 5432
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or default), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ConnectionError(f"no database server answers at {redact(tracking_uri)}: {error}") from error


def is_database(tracking_uri: str) -> bool:
    """Whether MLflow opens this URI with SQLAlchemy."""
    return tracking_uri.startswith(("sqlite", "postgresql", "mysql", "mssql"))


def redact(tracking_uri: str) -> str:
    """The URI without its password, for logs and files."""
    return re.sub(r"(//[^/:@]*):[^/@]*@", r"\1:***@", tracking_uri)


def experiment_id(client: MlflowClient, name: str, tracking_uri: str, runs: Path) -> str:
    """The id of the experiment ``name``, which is created if there is none.

    Its artifacts go to the server or, for an SQL store, to ``mlartifacts/`` in the folder ``runs``. Raises
    UserError if the user has deleted the experiment.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, artifact_location=_artifact_root(tracking_uri, runs))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        raise UserError(f"the experiment {name!r} was deleted in MLflow: restore it, or choose another name")
    return str(experiment.experiment_id)


def search_runs(
    client: MlflowClient, experiment_ids: Sequence[str], condition: str, *, deleted: bool = False
) -> Iterator[Run]:
    """All runs of the experiments that meet MLflow's filter ``condition``, latest first, page by page; with
    ``deleted``, deleted runs too."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
    token: str | None = None
    while True:
        page = client.search_runs(list(experiment_ids), condition, view, max_results=500, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def sqlite_path(tracking_uri: str) -> Path | None:
    """The absolute path of an SQLite store's file; None for any other store."""
    if not tracking_uri.startswith("sqlite"):
        return None
    return Path(tracking_uri.split(":///", 1)[1].split("?", 1)[0]).absolute()


def _artifact_root(tracking_uri: str, runs: Path) -> str | None:
    """The URI of the folder for artifacts; None lets the server choose."""
    if not is_database(tracking_uri):
        return None
    database = sqlite_path(tracking_uri)
    folder = database.parent if database is not None else runs.absolute()
    return (folder / "mlartifacts").as_uri()


def _migration_lock(tracking_uri: str) -> str:
    """The path of the lock for creating tables: beside an SQLite file, else in this machine's temporary folder."""
    database = sqlite_path(tracking_uri)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        return f"{database}.lock"
    return os.path.join(tempfile.gettempdir(), f"gibbsweep-{sha256(tracking_uri.encode()).hexdigest()[:16]}.lock")
