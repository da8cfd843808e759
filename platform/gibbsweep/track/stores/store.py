"""The tracking store: where it is, the creation of its tables, and requests that end within bounded time."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import socket
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from gibbsweep.errors import UserError
from gibbsweep.track.stores.moved import ARTIFACTS, follow_move
from gibbsweep.track.stores.uri import database_server, is_database, redact, sqlite_path, sqlite_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CONNECT_TIMEOUT_S = 5.0
KIND = "custom_model_development"
"""What MLflow's pages call an experiment in which models are trained, other than one of language models."""
RUN_KEY = "gibbsweep.run_key"
"""The tag that says which sweep or trial a run is."""


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

    with _no_encoded_folder(tracking_uri):
        return MlflowClient(tracking_uri=tracking_uri)


@contextmanager
def _no_encoded_folder(tracking_uri: str) -> Iterator[None]:
    """A context after which the folder is gone that MLflow makes when it takes the encoded path in the URI (``q%3Fx``)
    for the path of the file (``q?x``)."""
    folder = Path(tracking_uri.removeprefix("sqlite:///")).absolute().parent
    stray = tracking_uri.startswith("sqlite:///") and "%" in str(folder) and not folder.exists()
    try:
        yield
    finally:
        if stray:
            with contextlib.suppress(OSError):
                folder.rmdir()


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
            if database is not None:
                follow_move(database)
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
        uri = sqlite_uri(temporary)
        with _no_encoded_folder(uri):
            store = SqlAlchemyStore(uri, DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)  # type: ignore[no-untyped-call]
        store.engine.dispose()
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
    try:
        socket.create_connection(database_server(tracking_uri), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ConnectionError(f"no database server answers at {redact(tracking_uri)}: {error}") from error


def experiment_id(client: MlflowClient, name: str, tracking_uri: str, runs: Path) -> str:
    """The id of the experiment ``name``, which is created if there is none.

    Its artifacts go to the server or, for an SQL store, to ``mlartifacts/`` in the folder ``runs``. Raises
    UserError if the user has deleted the experiment.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(
                name, artifact_location=_artifact_root(tracking_uri, runs), tags={"mlflow.experimentKind": KIND}
            )
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment is None:
        raise ConnectionError(f"{redact(tracking_uri)} created the experiment {name!r} and does not know it")
    if experiment.lifecycle_stage != "active":
        raise UserError(
            f"the experiment {name!r} was deleted in MLflow: restore it with "
            f"`MLFLOW_TRACKING_URI={shlex.quote(redact(tracking_uri))} mlflow experiments restore --experiment-id "
            f"{experiment.experiment_id}`"
        )
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


def runs_with_key(client: MlflowClient, experiment_ids: Sequence[str], key: str, *, deleted: bool = False) -> list[Run]:
    """The runs tagged with the run key ``key``, latest first; with ``deleted``, deleted runs too. MLflow's filters know
    no way to write a text with both kinds of quotes: for those all runs are read."""
    quote = "'" if "'" not in key else '"'
    condition = f"tags.`{RUN_KEY}` = {quote}{key}{quote}" if quote not in key else ""
    found = search_runs(client, experiment_ids, condition, deleted=deleted)
    return [run for run in found if run.data.tags.get(RUN_KEY) == key]


def _artifact_root(tracking_uri: str, runs: Path) -> str | None:
    """The URI of the folder for artifacts; None lets the server choose."""
    if not is_database(tracking_uri):
        return None
    database = sqlite_path(tracking_uri)
    folder = database.parent if database is not None else runs.absolute()
    return (folder / ARTIFACTS).as_uri()


def _migration_lock(tracking_uri: str) -> str:
    """The path of the lock for creating tables: beside an SQLite file, else in this machine's temporary folder."""
    database = sqlite_path(tracking_uri)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        return f"{database}.lock"
    return os.path.join(tempfile.gettempdir(), f"gibbsweep-{sha256(tracking_uri.encode()).hexdigest()[:16]}.lock")
