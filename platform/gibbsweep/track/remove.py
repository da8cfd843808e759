"""The removal of a sweep's runs, or of a single run, from the tracking store that has them."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gibbsweep.errors import UserError
from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import TRACKED
from gibbsweep.track.mirror.describe import run_key
from gibbsweep.track.mirror.sweep import REQUEST_ERRORS, is_unreachable, one_line
from gibbsweep.track.stores.store import connect, probe, runs_with_key, search_runs
from gibbsweep.track.stores.uri import default_tracking_uri, is_database, redact, sqlite_path

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class TrackedRuns:
    """The runs of a folder in its store: ``tracked_runs(Path("runs/cd_k-1"))``."""

    uri: str
    """The store; "" where nothing was sent to any."""
    runs: tuple[Run, ...] = ()
    """Its runs there, the parent last."""

    @property
    def purged(self) -> bool:
        """Whether the store forgets what is removed; a server keeps it as deleted until its operator calls
        ``mlflow gc``."""
        return is_database(self.uri)


def tracked_runs(folder: Path, *, run: str = "", given: Sequence[str] = ()) -> TrackedRuns:
    """The runs that a store has of the sweep in ``folder``, or of its single run ``run``, also those that were deleted
    and not yet forgotten. ``given``: URIs that may be those of the store, with passwords, which no folder keeps. Raises
    UserError where the store does not answer, or cannot be opened without its password."""
    store, run_id = _recorded(folder, run)
    uri = _with_password(store, [*given, default_tracking_uri(folder.parent)])
    database = sqlite_path(uri) if uri else None
    if database is not None and not database.exists():
        beside = default_tracking_uri(folder.parent)  # the folder of runs was moved, and its store with it
        there = sqlite_path(beside)
        uri = beside if there is not None and there.exists() else ""
    if not uri:
        return TrackedRuns("")
    with _answering(uri):
        probe(uri)
        client = connect(uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        if run:
            named = runs_with_key(client, experiments, run_key(folder.name, run), deleted=True)
            return TrackedRuns(uri, tuple(found for found in named if found.info.run_id == run_id))
        named = runs_with_key(client, experiments, folder.name, deleted=True)
        parents = [parent for parent in named if _alike(parent, folder, run_id)]
        children = [
            child
            for parent in parents
            for child in search_runs(
                client, experiments, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", deleted=True
            )
        ]
    return TrackedRuns(uri, (*children, *parents))


def remove_tracked(tracked: TrackedRuns) -> None:
    """Remove ``tracked`` runs with their artifacts, the parent last: what is left after an error is found again. Raises
    UserError where the store stops answering or refuses."""
    if not tracked.runs:
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with _answering(tracked.uri):
        client = connect(tracked.uri)
        for run in tracked.runs:
            artifacts = get_artifact_repository(run.info.artifact_uri, tracking_uri=tracked.uri)
            with contextlib.suppress(FileNotFoundError):
                artifacts.delete_artifacts()  # type: ignore[no-untyped-call]
            _remove_empty_folder(run.info.artifact_uri)
            if run.info.lifecycle_stage == "active":
                client.delete_run(run.info.run_id)
        if tracked.purged:
            _forget(tracked.uri, [run.info.run_id for run in tracked.runs])


def _remove_empty_folder(artifact_uri: str) -> None:
    """Remove the folder ``RUN_ID`` that is left of ``file:///.../mlartifacts/RUN_ID/artifacts``."""
    parts = urlsplit(artifact_uri)
    if parts.scheme in ("", "file"):
        with contextlib.suppress(OSError):
            Path(url2pathname(parts.path)).parent.rmdir()


def _forget(uri: str, run_ids: Sequence[str]) -> None:
    """Remove deleted runs from the tables of a database, with what MLflow's command does."""
    from mlflow.cli import gc

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    words = ["--backend-store-uri", uri, "--tracking-uri", uri, "--run-ids", ",".join(run_ids)]
    with contextlib.redirect_stdout(io.StringIO()):
        gc.main(words, standalone_mode=False)


def _recorded(folder: Path, run: str) -> tuple[str, str]:
    """The store that has the runs of ``folder``, and the id of the run there, by the folder's record; "" without."""
    path = (SweepFolder(folder).trial(run) if run else folder) / TRACKED
    try:
        record = json.loads(path.read_text())
        return str(record["store"]), str(record["run_id"])
    except FileNotFoundError:
        return "", ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}, which says where its runs were tracked, cannot be read ({error})") from error


def _with_password(store: str, given: Sequence[str]) -> str:
    """The URI of ``store``, which is on record without its password, from those that were ``given``."""
    found = next((uri for uri in given if redact(uri) == store), store)
    if "***" in found:
        raise UserError(
            f"its runs were tracked at {store}, whose password is on no record: name the whole URI in "
            "MLFLOW_TRACKING_URI"
        )
    return found


def _alike(parent: Run, folder: Path, run_id: str) -> bool:
    """Whether ``parent`` is the run of the sweep in ``folder``, and of no other one of the same name."""
    if parent.info.run_id == run_id:
        return True
    try:
        created = json.loads(SweepFolder(folder).record_path.read_text())["created"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(parent.data.tags.get("gibbsweep.created") == json.dumps(created))


@contextlib.contextmanager
def _answering(uri: str) -> Iterator[None]:
    """A context in which a store that does not answer, or refuses, is a UserError."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        refused = getattr(error, "error_code", "") in REQUEST_ERRORS
        why = "does not answer" if is_unreachable(error) and not refused else "refuses"
        raise UserError(
            f"{redact(uri)} {why} ({one_line(error)}): the folder was not removed, and can be once it is up again"
        ) from error
