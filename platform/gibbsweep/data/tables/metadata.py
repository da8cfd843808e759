"""What a file of examples says of itself: shape, classes, source, licence."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

METADATA_KEY = b"gibbsweep"


_LOSSY = "re-encoded with loss: Fréchet distances are not comparable with published ones"


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself. ``shape``: of one example, channels first; ``classes``: the names of the labels;
    ``sampling_rate``: of recordings, in Hz."""

    shape: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    source: str = "not stated"
    licence: str = "not stated"
    note: str = ""
    sampling_rate: int | None = None

    def __post_init__(self) -> None:
        if self.sampling_rate is not None and self.sampling_rate < 1:
            raise ValueError(f"sampling_rate is {self.sampling_rate}: expected a positive number of samples a second")

    def to_json(self, **more: Any) -> bytes:
        return json.dumps(asdict(self) | more, ensure_ascii=False).encode()

    @classmethod
    def from_mapping(cls, stated: dict[str, Any]) -> Metadata:
        """Of a JSON object, with what it does not state left at its default and unknown keys left out."""
        return cls(
            shape=tuple(int(size) for size in stated.get("shape") or ()),
            classes=tuple(str(label) for label in stated.get("classes") or ()),
            source=str(stated.get("source") or "not stated"),
            licence=str(stated.get("licence") or "not stated"),
            note=str(stated.get("note") or (_LOSSY if stated.get("lossy") else "")),
            sampling_rate=None if stated.get("sampling_rate") is None else int(stated["sampling_rate"]),
        )
