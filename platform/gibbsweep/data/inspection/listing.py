"""Lists the data sets that are bundled, present or can be fetched, a row each: ``gibbsweep data list``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gibbsweep.data.catalogue.catalogue import CATALOGUE
from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.folders import data_root, drop_ins
from gibbsweep.data.catalogue.layouts import files_of
from gibbsweep.data.files.stored import stored_split
from gibbsweep.errors import UserError


def catalogue_rows(root: Path | str | None = None) -> list[dict[str, Any]]:
    """Rows of all data sets: known ones first, then the other folders under the root. Only headers are read.

    Keys: name, how (bundled, fetched, given, drop-in, local), present, train, test (rows or None), shape, classes
    (their number or None), text (whether it has captions), where, licence, description.
    """
    folder = data_root(root)
    in_catalogue = {entry.name for entry in CATALOGUE}
    rows = [_row(entry.name, entry, folder) for entry in CATALOGUE]
    return rows + [_row(name, None, folder) for name in drop_ins(folder) if name not in in_catalogue]


def _row(name: str, entry: Entry | None, folder: Path) -> dict[str, Any]:
    problem = ""
    try:
        files = files_of(name, folder)
    except UserError as error:
        files, problem = {}, str(error)
    bundled = entry is not None and entry.how == "bundled"
    row: dict[str, Any] = {
        "name": name,
        "how": entry.how if entry else "local",
        "present": bundled or bool(files),
        "train": entry.rows[0] if entry and bundled else None,
        "test": entry.rows[1] if entry and bundled else None,
        "shape": entry.shape if entry else None,
        "classes": len(entry.classes) or None if entry else None,
        "text": bool(entry and entry.text),
        "where": "bundled" if bundled else str(folder / name) if files else _how_to(name, entry),
        "licence": entry.licence if entry else "not stated",
        "description": problem or (entry.description if entry else ""),
    }
    for split, paths in files.items():
        if bundled:
            break
        try:
            header = stored_split(paths).header()
        except UserError as error:
            row["description"] = str(error)
            continue
        row[split] = header.rows
        if split == "test" and row["train"] is not None:  # the training split tells for both
            continue
        row["shape"] = header.metadata.shape or row["shape"]
        row["classes"] = len(header.metadata.classes) or row["classes"]
        row["text"] = header.captioned
        if entry is None:
            row["licence"], row["description"] = header.metadata.licence, header.metadata.source
    return row


def _how_to(name: str, entry: Entry | None) -> str:
    return entry.how_to if entry and entry.how_to else f"gibbsweep data fetch {name}"
