from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gibbsweep.data import Metadata, load, load_split, write_parquet
from gibbsweep.data.files.reading import ParquetFiles
from gibbsweep.data.formats.images import decode_image, encode_png
from gibbsweep.errors import UserError


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def write(path: Path, columns: dict[str, Any], metadata: dict[bytes, bytes] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata or {}), path)
    return path


def images_of(*encoded: bytes | None) -> Any:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([{"bytes": one, "path": "a.png"} for one in encoded], kind)


GREY = encode(Image.new("L", (4, 4), 7))
RAMP = encode(Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)))


@given(
    image=st.sampled_from([1, 3]).flatmap(
        lambda c: hnp.arrays(np.uint8, st.tuples(st.just(c), st.integers(1, 9), st.integers(1, 9)))
    )
)
def test_png_round_trip_is_exact(image: np.ndarray[Any, Any]) -> None:
    assert np.array_equal(decode_image(encode_png(image), where="row 0"), image)


@pytest.mark.parametrize("shape", [(1, 6, 5), (3, 5, 6)])
def test_file_round_trip_is_exact(root: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2500, *shape), dtype=np.uint8)
    metadata = Metadata(classes=("a", "b"), source="here", licence="CC0", note="noise")
    path = root / "noise" / "train.parquet"
    write_parquet(
        path, images, np.arange(2500) % 2, [f"text {i}" if i != 4 else None for i in range(2500)], metadata=metadata
    )
    decoded = ParquetFiles((path,)).read()
    assert np.array_equal(decoded.x, images)
    assert decoded.y is not None and np.array_equal(decoded.y, np.arange(2500) % 2)
    assert decoded.metadata == Metadata(shape, ("a", "b"), "here", "CC0", "noise")
    split = load_split("noise", "train")
    assert split.text(slice(3, 5)) == ["text 3", None]
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_is_never_overwritten(root: Path) -> None:
    path = write(root / "mine" / "train.parquet", {"image": images_of(GREY)})
    before = path.read_bytes()
    with pytest.raises(UserError, match="exists already and is never overwritten"):
        write_parquet(path, np.zeros((1, 1, 2, 2), np.uint8), metadata=Metadata())
    assert path.read_bytes() == before


def test_images_of_a_wrong_kind_are_not_written(root: Path) -> None:
    with pytest.raises(ValueError, match="got \\(3, 8, 8\\) of type uint8"):
        write_parquet(root / "a.parquet", np.zeros((3, 8, 8), np.uint8), metadata=Metadata())


def test_files_without_metadata_are_understood(root: Path) -> None:
    colour = Image.fromarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    other = Image.new("RGB", (3, 2), (10, 20, 30))
    write(
        root / "plain" / "train.parquet",
        {"image": images_of(encode(colour), *[encode(other)] * 3), "label": [0, 2, 1, 0]},
    )
    data = load("plain", validation=0.0)
    assert data.spec.shape == (3, 2, 3) and data.spec.n_classes == 3 and data.classes == ("0", "1", "2")
    assert data.train.x[0, :, 0, 0].tolist() == [0, 1, 2]


def test_class_names_of_a_hub_export_are_read(root: Path) -> None:
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    columns = {"image": images_of(GREY, RAMP), "label": [1, 0]}
    write(root / "hub" / "train.parquet", columns, {b"huggingface": json.dumps(features).encode()})
    assert load("hub").classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("1", (2, 2), 1), [[[255, 255], [255, 255]]]),
        (Image.new("P", (1, 1)), [[[0]], [[0]], [[0]]]),
    ],
)
def test_two_level_and_palette_images(image: Image.Image, expected: list[Any]) -> None:
    assert decode_image(encode(image), where="row 0").tolist() == expected


def test_jpeg_is_decoded_as_pillow_does(root: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    jpeg = encode(Image.fromarray(pixels), "JPEG")
    write(root / "photo" / "train.parquet", {"image": images_of(encode(Image.fromarray(pixels)), jpeg)})
    expected = np.asarray(Image.open(io.BytesIO(jpeg))).transpose(2, 0, 1)
    assert np.array_equal(load("photo", validation=0.0).train.x[1].numpy(), expected)


BAD_IMAGES = {
    "no image at all": (b"not an image", "row 1 of .*cannot be decoded as PNG or JPEG"),
    "cut short": (encode(Image.effect_noise((64, 64), 99))[:-900], "row 1 of .*cannot be decoded as PNG or JPEG"),
    "missing": (None, "row 1 of .*has no image bytes"),
    "transparent": (encode(Image.new("RGBA", (4, 4))), "row 1 of .*mode RGBA.*flatten"),
    "other size": (encode(Image.new("L", (4, 5))), r"row 1 of .*\(1, 5, 4\).*row 0 one of \(1, 4, 4\)"),
    "other mode": (encode(Image.new("RGB", (4, 4))), r"row 1 of .*\(3, 4, 4\).*row 0 one of \(1, 4, 4\)"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_a_bad_image_names_its_row(root: Path, kind: str) -> None:
    encoded, message = BAD_IMAGES[kind]
    write(root / "bad" / "train.parquet", {"image": images_of(GREY, encoded, GREY)})
    with pytest.raises(UserError, match=message):
        load("bad")


BAD_FILES: dict[str, tuple[dict[str, Any], dict[bytes, bytes], str]] = {
    "no image": ({"sound": ["a"], "label": [0]}, {}, "columns sound, label and no column 'image'"),
    "audio as text": ({"audio": ["a.wav"]}, {}, "column 'audio' of .* is string"),
    "image as text": ({"image": ["a.png"]}, {}, "column 'image' of .* is string"),
    "no rows": ({"image": images_of()}, {}, "holds no rows"),
    "label as fractions": ({"image": images_of(GREY), "label": [0.5]}, {}, "column 'label' of .* is double"),
    "text as lists": ({"image": images_of(GREY), "text": [["a", "b"]]}, {}, "column 'text' of .* is list"),
    "label missing": ({"image": images_of(GREY, GREY), "label": [0, None]}, {}, "has 1 empty cells"),
    "label negative": ({"image": images_of(GREY), "label": [-1]}, {}, "from -1 to -1: expected 0 and above"),
    "label too big": (
        {"image": images_of(GREY), "label": [2]},
        {b"gibbsweep": b'{"classes": ["a", "b"]}'},
        "from 2 to 2: expected 0 to 1",
    ),
    "other shape": (
        {"image": images_of(GREY)},
        {b"gibbsweep": b'{"shape": [1, 8, 8]}'},
        r"states the shape \(1, 8, 8\)",
    ),
    "bad metadata": ({"image": images_of(GREY)}, {b"gibbsweep": b"shape=1"}, "must be a JSON object"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_says_what_is_wrong(root: Path, kind: str) -> None:
    columns, metadata, message = BAD_FILES[kind]
    write(root / "bad" / "train.parquet", columns, metadata)
    with pytest.raises(UserError, match=message):
        load("bad")


@pytest.mark.parametrize("kept", [0, 3, 12, 1000, -1, -9])
def test_a_truncated_file(make_set: Callable[..., Any], root: Path, kept: int) -> None:
    make_set("cut")
    path = root / "cut" / "train.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    with pytest.raises(UserError, match="train.parquet is no complete Parquet file.*copy or fetch it again"):
        load("cut")
    assert path.read_bytes() == whole[:kept]


@pytest.mark.parametrize("where", ["footer", "pages"])
def test_a_corrupt_file(make_set: Callable[..., Any], root: Path, where: str) -> None:
    make_set("rotten")
    path = root / "rotten" / "train.parquet"
    content = bytearray(path.read_bytes())
    span = slice(-400, -8) if where == "footer" else slice(4, 400)
    content[span] = b"\xff" * len(content[span])
    path.write_bytes(content)
    with pytest.raises(UserError, match="copy or fetch it again|cannot be decoded|cannot be understood"):
        load("rotten")
