"""Files become examples in a model's form, and what is none is refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gibbsweep.data import load
from gibbsweep.data.formats.images import encode_png
from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.errors import UserError
from gibbsweep.use.examples import read_examples
from gibbsweep.use.masks import mask_of
from gibbsweep_models.types import DataSpec

GREY, BINARY, RGB = DataSpec((1, 8, 8)), DataSpec((1, 8, 8), "binary"), DataSpec((3, 8, 8))
SOLID, SOUND, POINT = DataSpec((1, 32, 32, 32), "binary"), DataSpec((1, 800), sampling_rate=8000), DataSpec((2,))


def test_a_picture_of_the_data_set_is_the_example_that_was_trained_on(tmp_path: Path) -> None:
    digits = load("digits")
    raw, known = digits.test.x[:3], digits.test.batch(torch.arange(3))["x"]
    for i, image in enumerate(raw):
        (tmp_path / f"{i}.png").write_bytes(encode_png(image.numpy()))
    np.savez(tmp_path / "bytes.npz", x=raw.numpy())
    np.save(tmp_path / "values.npy", known.numpy())
    read = read_examples([tmp_path / f"{i}.png" for i in range(3)], digits.spec)
    assert torch.equal(read.x, known) and read.names == ("0.png", "1.png", "2.png") and read.notes == ()
    assert torch.equal(read_examples([tmp_path / "bytes.npz"], digits.spec).x, known)
    arrays = read_examples([tmp_path / "values.npy"], digits.spec)
    assert torch.equal(arrays.x, known) and arrays.names == ("values.npy[0]", "values.npy[1]", "values.npy[2]")
    folder = read_examples([tmp_path], digits.spec)
    assert folder.names[:2] == ("0.png", "1.png") and len(folder.x) == 9
    binary = read_examples([tmp_path / "0.png"], BINARY)
    assert torch.equal(binary.x[0], (raw[0] >= 128).float())
    assert binary.notes == ("0.png: set to 0 and 1 at half brightness",)


def test_a_picture_of_another_form_is_brought_to_it_and_that_is_said(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), (255, 255, 255)).save(tmp_path / "wide.png")
    Image.new("RGB", (60, 40), (255, 255, 255)).save(tmp_path / "wide2.jpg")
    read = read_examples([tmp_path / "wide.png", tmp_path / "wide2.jpg"], GREY)
    assert torch.equal(read.x, torch.ones(2, 1, 8, 8))
    what = "brought to grey, of 60 x 40 pixels its middle square brought to 8 x 8 (bilinear, antialiased)"
    assert read.notes == (f"wide.png and 1 more: {what}",)
    Image.new("L", (8, 8), 0).save(tmp_path / "grey.png")
    coloured = read_examples([tmp_path / "grey.png"], RGB)
    assert torch.equal(coloured.x, -torch.ones(1, 3, 8, 8)) and "three equal channels" in coloured.notes[0]
    with pytest.raises(UserError, match=r"60 x 40 pixels: the model was trained on 9 x 8; resize it"):
        read_examples([tmp_path / "wide.png"], DataSpec((1, 8, 9)))


def test_sounds_and_solids_are_brought_to_form_too(tmp_path: Path) -> None:
    (tmp_path / "s.wav").write_bytes(encode_wav(np.full(400, 16384, np.int16), 8000))
    read = read_examples([tmp_path / "s.wav"], SOUND)
    assert torch.equal(read.x[0, 0], torch.cat([torch.full((400,), 0.5), torch.zeros(400)]))
    assert read.notes == ("s.wav: padded with silence from 0.05 to 0.1 s",)
    (tmp_path / "fast.wav").write_bytes(encode_wav(np.zeros(3200, np.int16), 16000))
    assert read_examples([tmp_path / "fast.wav"], SOUND).notes == (
        "fast.wav: resampled from 16000 to 8000 Hz, cut from 0.2 to 0.1 s",
    )
    faces = "OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
    (tmp_path / "mesh.off").write_text(faces)
    solid = read_examples([tmp_path / "mesh.off"], SOLID)
    assert set(solid.x.unique().tolist()) == {0.0, 1.0}
    np.save(tmp_path / "truth.npy", np.eye(32, dtype=bool)[None, :, :, None].repeat(32, 3))
    assert set(read_examples([tmp_path / "truth.npy"], DataSpec((1, 32, 32, 32))).x.unique().tolist()) == {-1.0, 1.0}


def test_what_is_no_example_is_refused(tmp_path: Path) -> None:
    def array(name: str, x: Any) -> Path:
        np.save(tmp_path / name, x)
        return tmp_path / name

    (tmp_path / "text.png").write_text("no picture at all")
    (tmp_path / "cut.wav").write_bytes(encode_wav(np.zeros(800, np.int16), 8000)[:60])
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    Image.new("L", (8, 8)).save(tmp_path / "a.gif")
    Image.new("L", (8, 8)).save(tmp_path / "p.png")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    for file, spec, said in (
        (tmp_path / "none.png", GREY, "there is no file"),
        (tmp_path / "empty", GREY, "holds no file that is read"),
        (tmp_path / "text.png", GREY, "header of no known image format"),
        (tmp_path / "a.gif", GREY, "is GIF: expected PNG or JPEG"),
        (tmp_path / "cut.wav", SOUND, "cannot be decoded as WAV"),
        (tmp_path / "cut.npz", GREY, "is no array of NumPy"),
        (tmp_path / "two.npz", GREY, "holds the arrays a, b: expected x, or a single one"),
        (tmp_path / "p.png", SOUND, "is a picture, and the model is of sounds: name WAV"),
        (tmp_path / "p.png", POINT, "is a picture, and the model is of vectors"),
        (tmp_path / "cut.wav", GREY, "is a sound, and the model is of pictures"),
        (array("big.npy", np.full((2, 1, 8, 8), 255.0)), GREY, r"values from 255 to 255: expected \[-1, 1\]"),
        (array("whole.npy", np.zeros((2, 1, 8, 8), np.int64)), GREY, "holds int64"),
        (array("01.npy", np.ones((2, 1, 8, 8), np.uint8)), GREY, "bytes that are 0 or 1"),
        (array("other.npy", np.zeros((2, 8, 8))), GREY, r"array of \(2, 8, 8\): expected examples \(N, 1, 8, 8\)"),
        (array("object.npy", np.array([{}], dtype=object)), GREY, "is no array of NumPy"),
    ):
        with pytest.raises(UserError, match=said):
            read_examples([file], spec)


def test_masks_say_which_values_are_known(tmp_path: Path) -> None:
    shape = (1, 4, 6)
    holes = {text: ~mask_of(text, shape)[0, 0] for text in ("left", "right", "top", "bottom", "half")}
    assert holes["left"][:, :3].all() and not holes["left"][:, 3:].any()
    assert torch.equal(holes["right"], ~holes["left"]) and torch.equal(holes["bottom"], ~holes["top"])
    assert torch.equal(holes["half"], holes["bottom"]) and holes["top"][:2].all()
    box = ~mask_of("box:1,2,3,4", shape)[0, 0]
    assert box.sum() == 12 and box[1:, 2:].all()
    assert torch.equal(~mask_of("centre:2", shape)[0, 0], ~mask_of("box:1,2,2,2", shape)[0, 0])
    random = mask_of("random:0.5", (3, 4, 6), n=5, seed=1)
    assert torch.equal(random, mask_of("random:0.5", (3, 4, 6), n=5, seed=1)) and random.shape == (5, 3, 4, 6)
    assert torch.equal(random[:, 0], random[:, 2]) and not torch.equal(random[0], random[1])
    Image.fromarray(np.where(np.arange(24).reshape(4, 6) < 6, 0, 255).astype(np.uint8)).save(tmp_path / "m.png")
    assert torch.equal(mask_of(str(tmp_path / "m.png"), shape)[0, 0], (torch.arange(24) >= 6).view(4, 6))
    assert torch.equal(mask_of("left", (1, 800))[0, 0], torch.arange(800) >= 400)
    for text, said in (
        ("middle", "names no hole, and no file: use half"),
        ("box:1,2", "names no hole"),
        ("box:0,0,9,9", "reaches beyond examples of 4 x 6"),
        ("box:0,0,4,6", "nothing is known"),
        ("random:x", "names no hole"),
        ("centre:99", "nothing is known"),
    ):
        with pytest.raises(UserError, match=said):
            mask_of(text, shape)
    with pytest.raises(UserError, match="use left or right"):
        mask_of("top", (2,))
    with pytest.raises(UserError, match="cuts a box"):
        mask_of("box:0,0,1,1", (1, 800))
