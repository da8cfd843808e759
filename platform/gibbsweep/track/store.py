"""The tracking store: where it is, creating its tables, reaching it within bounded time."""

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
    """An SQLite file in the folder of the runs: needs no server."""
    return f"sqlite:///{Path(runs).absolute() / 'mlflow.db'}"


def configure_mlflow() -> None:
    """Bounds the time of one call to the store; sends no usage statistics. What the user has set stays.

    MLflow retries a request for minutes by default. Gibbsweep retries whole passes itself, so one attempt is enough;
    it also keeps a request that was answered too late from creating a second run.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def connect(tracking_uri: str) -> MlflowClient:
    """A client of the store. Opens an SQL store (and creates its tables if there are none: :func:`migrate` comes first)."""
    configure_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri)


def migrate(tracking_uri: str) -> None:
    """Creates the tables of an SQL store, once, before anything writes to it; nothing for a server, which owns its own.

    A lock keeps two sweeps that start at once from creating them twice. A store with the tables of another MLflow
    version raises :class:`UserError`: upgrading is the user's decision, after a backup.
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
    """Creates the tables in a file beside it, which takes its place once it is whole and on the disk: MLflow makes them in a hundred
    steps, and would wait for the disk after each."""
    import sqlalchemy
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for left in database.parent.glob(f".{database.name}.*.tmp"):  # of one that was killed; this one holds the lock
        left.unlink()
    # Of a name that MLflow, which keeps its stores, has never opened.
    temporary = database.with_name(f".{database.name}.{uuid.uuid4().hex}.tmp")

    def wait_for_no_disk(connection: Any, record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            ((_, _, file),) = connection.execute("PRAGMA database_list")
            if Path(file) == temporary:
                connection.execute("PRAGMA synchronous = OFF")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", wait_for_no_disk)
    try:
        store = SqlAlchemyStore(f"sqlite:///{temporary}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)  # type: ignore[no-untyped-call]
        store.engine.dispose()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if not database.exists():  # else another program has made it meanwhile
            temporary.replace(database)
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", wait_for_no_disk)
        temporary.unlink(missing_ok=True)


def probe(tracking_uri: str) -> None:
    """Raises :class:`ConnectionError` at once if a database server does not answer.

    SQLAlchemy's engine would be retried for more than a minute. HTTP servers need no probe (and may be behind a proxy).
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
    """The URI without its password, fit for logs and files."""
    return re.sub(r"(//[^/:@]*):[^/@]*@", r"\1:***@", tracking_uri)


def experiment_id(client: MlflowClient, name: str, tracking_uri: str, runs: Path) -> str:
    """Finds or creates an experiment. Its artifacts go to the server, or to ``mlartifacts/`` beside an SQL store's runs."""
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
    """All runs of the experiments that meet MLflow's filter ``condition``, latest first; ``deleted``: deleted runs too."""
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
    """The file of an SQLite store, absolute."""
    if not tracking_uri.startswith("sqlite"):
        return None
    return Path(tracking_uri.split(":///", 1)[1].split("?", 1)[0]).absolute()


def _artifact_root(tracking_uri: str, runs: Path) -> str | None:
    if not is_database(tracking_uri):
        return None
    database = sqlite_path(tracking_uri)
    folder = database.parent if database is not None else runs.absolute()
    return (folder / "mlartifacts").as_uri()


def _migration_lock(tracking_uri: str) -> str:
    database = sqlite_path(tracking_uri)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        return f"{database}.lock"
    return os.path.join(tempfile.gettempdir(), f"gibbsweep-{sha256(tracking_uri.encode()).hexdigest()[:16]}.lock")
