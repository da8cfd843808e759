"""What a file of examples says of itself: shape, classes, source, licence."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

METADATA_KEY = b"gibbsweep"
"""Key of the JSON object in the schema metadata of Parquet and Arrow files."""


_LOSSY = "re-encoded with loss: Fréchet distances are not comparable with published ones"


@dataclass(frozen=True)
class Metadata:
    """What a file of examples states about them.

    Example::

        Metadata(classes=("cat", "dog"), source="my photographs", licence="CC0")
    """

    shape: tuple[int, ...] = ()
    """Shape of one example, channels first; empty where it is to be taken from the examples."""
    classes: tuple[str, ...] = ()
    """Names of the labels 0, 1, ..."""
    source: str = "not stated"
    """Where the examples come from."""
    licence: str = "not stated"
    """Licence of the examples."""
    note: str = ""
    """What a reader of results should know, such as recordings that were cut."""
    sampling_rate: int | None = None
    """Samples a second of recordings, in Hz; at least 1."""

    def __post_init__(self) -> None:
        if self.sampling_rate is not None and self.sampling_rate < 1:
            raise ValueError(f"sampling_rate is {self.sampling_rate}: expected a positive number of samples a second")

    def with_note(self, note: str) -> Metadata:
        """The metadata with ``note`` added to its own, unless it is empty."""
        return replace(self, note="; ".join(part for part in (self.note, note) if part))

    def to_json(self, **more: Any) -> bytes:
        """The metadata, and ``more`` keys, as a JSON object in UTF-8."""
        return json.dumps(asdict(self) | more, ensure_ascii=False).encode()

    @classmethod
    def from_mapping(cls, stated: dict[str, Any]) -> Metadata:
        """Reads a JSON object. Keys that it lacks keep their defaults; unknown keys are left out."""
        return cls(
            shape=tuple(int(size) for size in stated.get("shape") or ()),
            classes=tuple(str(label) for label in stated.get("classes") or ()),
            source=str(stated.get("source") or "not stated"),
            licence=str(stated.get("licence") or "not stated"),
            note=str(stated.get("note") or (_LOSSY if stated.get("lossy") else "")),
            sampling_rate=None if stated.get("sampling_rate") is None else int(stated["sampling_rate"]),
        )
