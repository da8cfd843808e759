"""The columns of a Parquet file: those that hold examples, labels and captions, and their types."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

Kind = Literal["image", "voxels", "audio", "vector"]

_EXAMPLES: dict[str, Kind] = {
    "image": "image",
    "img": "image",
    "voxels": "voxels",
    "audio": "audio",
    "vector": "vector",
}
_FEATURES: dict[str, Kind] = {"Image": "image", "Audio": "audio"}
_LABELS = ("label", "labels", "fine_label")
_TEXTS = ("text", "caption")
"""Names that the columns may have, in the order in which they are looked for; then the hub's features by type."""

EXPECTED = "no column 'image' (or 'img'), 'voxels', 'audio' or 'vector'"


@dataclass(frozen=True)
class Layout:
    """The columns of a file by what they hold."""

    kind: Kind
    """Kind of the examples."""
    example: str
    """Name of the column of examples."""
    label: str | None = None
    """Name of the column of labels, or None."""
    text: str | None = None
    """Name of the column of captions, or None."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are read."""
        return [name for name in (self.example, self.label, self.text) if name is not None]

    @property
    def remark(self) -> str:
        """A phrase on labels or captions of an unusual name, so that nobody takes them for others; empty without."""
        unusual = ((self.label, "labels", _LABELS[:2]), (self.text, "captions", _TEXTS))
        return "; ".join(
            f"{what} are the column '{name}'" for name, what, usual in unusual if name and name not in usual
        )


def layout_of(schema: Any) -> Layout | None:
    """The layout of a file with this Arrow schema; None where no column holds examples.

    Columns are known by their names. A file that was exported by Hugging Face's ``datasets`` also states the type of
    each column: its only image or sound, and its only class label, count whatever their names are.
    """
    types = {name: feature.get("_type") for name, feature in features_of(schema).items() if name in schema.names}
    example = next((name for name in _EXAMPLES if name in schema.names), None)
    kind = _EXAMPLES[example] if example else None
    if example is None:
        typed = [name for name, type_ in types.items() if type_ in _FEATURES]
        if len(typed) != 1:
            return None
        example = typed[0]
        kind = _FEATURES[str(types[example])]
    assert kind is not None
    label = next((name for name in _LABELS if name in schema.names), None)
    if label is None:
        typed = [name for name, type_ in types.items() if type_ == "ClassLabel"]
        label = typed[0] if len(typed) == 1 else None
    text = next((name for name in _TEXTS if name in schema.names), None)
    return Layout(kind, example, label, text)


def features_of(schema: Any) -> dict[str, dict[str, Any]]:
    """Features that Hugging Face's ``datasets`` states in a schema, by column; a ValueError where they are garbled."""
    stated = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = stated.get("info", {}).get("features", {}) if isinstance(stated, dict) else {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def plain(column: Any) -> Any:
    """An Arrow column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def files_in(column: Any) -> list[bytes | None]:
    """The files in a column of binary values, or of structs with a field ``bytes``; None where there is none."""
    binary = column.field("bytes") if pa.types.is_struct(column.type) else column
    files: list[bytes | None] = plain(binary).to_pylist()
    return files


def is_binary(kind: Any) -> bool:
    """Whether an Arrow type is one of bytes, dictionary-encoded or not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    variable = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    return bool(variable or pa.types.is_fixed_size_binary(kind))


def is_string(kind: Any) -> bool:
    """Whether an Arrow type is one of text, dictionary-encoded or not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
