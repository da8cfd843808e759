"""The URI of a tracking store: built, checked, read, and shown without its passwords.

SQLAlchemy builds and reads those of databases.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import URL

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SERVERS = ("http", "https")
_EXPECTED = "expected a server (http://HOST:PORT) or a database (sqlite:///FILE, postgresql://USER@HOST/NAME)"


def default_tracking_uri(runs: Path) -> str:
    """The URI of an SQLite file in the folder of the runs: needs no server."""
    return sqlite_uri(Path(runs).absolute() / "mlflow.db")


def sqlite_uri(database: Path) -> str:
    """The URI of the SQLite file ``database``, whatever characters its path has."""
    from sqlalchemy import URL, make_url

    uri = URL.create("sqlite", database=str(database)).render_as_string(hide_password=False)
    if make_url(uri).database != str(database):
        raise UserError(f"{database} cannot be written as a database URI: choose a folder without ?, % and #.")
    return uri


def check_tracking_uri(uri: str) -> None:
    """Raise UserError for a URI at which no store can ever be: a mistyped one, or a kind that MLflow or Gibbsweep
    does not take. Nothing is opened."""
    from sqlalchemy.exc import ArgumentError

    shown, scheme = redact(uri), urlsplit(uri).scheme if "://" in uri else ""
    if re.match(r"databricks(-uc)?(:|$)", uri):
        raise UserError(f"the tracking store {shown!r} is Databricks' own: {_EXPECTED}.")
    if scheme in ("", "file"):
        folder = f"{uri.removeprefix('file://')}/mlflow.db"
        raise UserError(
            f"the tracking store {shown!r} is a folder, which MLflow no longer writes to: {_EXPECTED}; for a file in "
            f"that folder write {sqlite_uri(Path(folder).absolute())}."
        )
    if scheme == "postgres":
        raise UserError(
            f"the tracking store {shown!r} has a scheme that SQLAlchemy does not take: write postgresql:// for it."
        )
    if scheme.partition("+")[0] not in _DATABASES and scheme not in _SERVERS:
        raise UserError(f"the tracking store {shown!r} has the unknown scheme {scheme}://: {_EXPECTED}.")
    if scheme in _SERVERS:
        try:
            parts = urlsplit(uri)
            complete = bool(parts.hostname) and parts.port != 0
        except ValueError:
            complete = False
        if not complete:
            raise UserError(f"the tracking store {shown!r} names no host and port: write http://HOST:PORT.")
        return
    url = _database_url(uri)
    try:
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise UserError(
            f"the tracking store {shown!r} needs the Python package {error.name}, which is not installed: install it, "
            "or write another driver's scheme, such as postgresql+psycopg2://."
        ) from error
    except ArgumentError as error:  # a dialect that SQLAlchemy does not have
        raise UserError(f"the tracking store {shown!r} has the unknown scheme {scheme}://: {_EXPECTED}.") from error
    if scheme.startswith("sqlite") and (url.host or not url.database or url.database == ":memory:"):
        file = url.database or url.host or "mlflow.db"
        file = "mlflow.db" if file == ":memory:" else file
        raise UserError(
            f"the tracking store {shown!r} names no file: write three slashes before a path (sqlite:///{file}), four "
            "in all before one from the root."
        )
    if not scheme.startswith("sqlite") and not (url.host or url.query):
        raise UserError(f"the tracking store {shown!r} names no host: write {scheme}://USER@HOST/NAME.")


def is_database(tracking_uri: str) -> bool:
    """Whether MLflow opens this URI with SQLAlchemy."""
    return tracking_uri.startswith(_DATABASES)


def database_server(tracking_uri: str) -> tuple[str, int]:
    """The host and port of a database server, with the defaults of its kind."""
    url = _database_url(tracking_uri)
    return url.host or "127.0.0.1", url.port or (3306 if url.get_backend_name() == "mysql" else 5432)


def sqlite_path(tracking_uri: str) -> Path | None:
    """The file of an SQLite store, absolute; None for any other store."""
    if not tracking_uri.startswith("sqlite"):
        return None
    check_tracking_uri(tracking_uri)
    return Path(str(_database_url(tracking_uri).database)).absolute()


def _database_url(uri: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(uri)
    except (ArgumentError, ValueError) as error:
        raise UserError(f"the tracking store {redact(uri)!r} is not a URI: {_EXPECTED}.") from error


_QUERY = re.compile(r"([?&](?:password|passwd|pwd|token|secret|sslpassword)=)[^&\s'\"]*", re.IGNORECASE)


def redact(text: str) -> str:
    """``text``, a URI or a message that holds some, with ``***`` in place of every password: fit for logs and files."""
    # A password ends at the last @ before the path; SQLAlchemy also takes one with slashes, up to the first @.
    without = re.sub(r"(?<=://)([^\s/:@]*):(?:[^\s/]*|[^\s@]*)@", r"\1:***@", text)
    return _QUERY.sub(r"\1***", without)
