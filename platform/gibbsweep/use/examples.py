"""Files of a person as examples of a model: decoded, brought to its form, and refused where their numbers are in other
units."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.formats.images import CHANNELS, Colour, decode_image, middle_square, recoloured
from gibbsweep.data.formats.wav import decode_wav, fitted, resampled
from gibbsweep.data.loading.units import conversion
from gibbsweep.data.tables.resize import FILTER, resized
from gibbsweep.errors import UserError
from gibbsweep_models.types import DataSpec
from gibbsweep_models.units import advice_on, in_units, range_of

_PICTURES = (".png", ".jpg", ".jpeg")
_ARRAYS = (".npz", ".npy")
_MESHES = (".off", ".obj")
_KINDS = (*_PICTURES, ".wav", *_ARRAYS, *_MESHES, ".binvox")


@dataclass(frozen=True)
class Read:
    """The examples of files, in a model's form. For example::

    read = model.read(["three.png", "more.npz"])
    dict(zip(read.names, model.score(read.x)))
    """

    x: Tensor
    """The examples (N, *D), in the model's units."""
    names: tuple[str, ...]
    """The file of each example, with the place in it where it holds several: ``more.npz[2]``."""
    notes: tuple[str, ...] = ()
    """What was done to bring files to the model's form, a sentence each."""


@dataclass
class _Notes:
    """What was done to files, by sentence, with the names of the files."""

    files: dict[str, list[str]] = field(default_factory=dict)

    def add(self, file: Path, steps: Sequence[str]) -> None:
        if steps:
            self.files.setdefault(", ".join(steps), []).append(file.name)

    def sentences(self) -> tuple[str, ...]:
        def names(files: list[str]) -> str:
            return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"

        return tuple(f"{names(files)}: {steps}" for steps, files in self.files.items())


def read_examples(files: Sequence[Path], spec: DataSpec, *, noise: float = 0.0) -> Read:
    """The examples in ``files`` for a model that was built for ``spec``; a folder means the files in it, in the order
    of their names. ``noise``: how far values may lie beyond their units. Raises UserError for what is no such
    example."""
    x, names, notes = [], [], _Notes()
    for file in _listed(files):
        part, steps = _read(file, spec)
        if part.dtype == torch.uint8 and spec.units == "binary" and len(spec.shape) == 3:
            steps = [*steps, "set to 0 and 1 at half brightness"]
        notes.add(file, steps)
        x.append(check_values(conversion(part.dtype, spec.units)(part), spec, noise=noise, where=str(file)))
        names += [file.name] if len(part) == 1 else [f"{file.name}[{i}]" for i in range(len(part))]
    return Read(torch.cat(x), tuple(names), notes.sentences())


def check_values(x: Tensor, spec: DataSpec, *, noise: float = 0.0, where: str = "the array") -> Tensor:
    """``x`` as :func:`gibbsweep_models.units.in_units` has it. UserError where it is not in the units of ``spec``."""
    try:
        return in_units(x, spec, noise=noise, where=where)
    except ValueError as error:
        raise UserError(str(error)) from error


def _listed(files: Sequence[Path]) -> list[Path]:
    """``files``, with those in a folder in its place."""
    listed: list[Path] = []
    for file in files:
        if not file.exists():
            raise UserError(f"there is no file {str(file)!r}: name pictures, sounds or arrays.")
        inside = sorted(path for path in file.iterdir() if path.suffix.lower() in _KINDS) if file.is_dir() else [file]
        if not inside:
            raise UserError(f"the folder {file} holds no file that is read: expected {', '.join(_KINDS)}.")
        listed += inside
    if not listed:
        raise UserError("no file was named: name pictures, sounds or arrays.")
    return listed


def _read(file: Path, spec: DataSpec) -> tuple[Tensor, list[str]]:
    """The raw examples (N, *D) of ``file`` in the form of ``spec``: bytes, 16-bit samples or real values in its units;
    and what was done to them."""
    suffix = file.suffix.lower()
    if suffix in _ARRAYS:
        return _array(file, spec), []
    kind, wanted = _kind_of(suffix), _kind(spec)
    if kind and kind != wanted:
        raise UserError(f"{file} is {_ARTICLE[kind]}, and the model is of {_PLURAL[wanted]}: name {_SUFFIXES[wanted]}.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
    if wanted == "picture":
        return _picture(content, file, spec)
    if wanted == "sound":
        return _sound(content, file, spec)
    if wanted == "solid":
        return _solid(content, file, spec)
    raise UserError(f"{file} is read as {_PLURAL[wanted]}: name {_SUFFIXES[wanted]}.")


_ARTICLE = {"picture": "a picture", "sound": "a sound", "solid": "a solid"}
_PLURAL = {"picture": "pictures", "sound": "sounds", "solid": "solids", "vector": "vectors"}
_SUFFIXES = {
    "picture": "PNG, JPEG, .npz or .npy files",
    "sound": "WAV, .npz or .npy files",
    "solid": "OFF, OBJ, binvox, .npz or .npy files",
    "vector": ".npz or .npy files",
}


def _kind_of(suffix: str) -> str:
    """What a file of that suffix holds; "" where its suffix does not say."""
    if suffix in _PICTURES:
        return "picture"
    if suffix in (*_MESHES, ".binvox"):
        return "solid"
    return "sound" if suffix == ".wav" else ""


def _kind(spec: DataSpec) -> str:
    """What the examples of ``spec`` are."""
    if len(spec.shape) == 3 and spec.shape[0] in CHANNELS.values():
        return "picture"
    if len(spec.shape) == 2 and spec.sampling_rate is not None:
        return "sound"
    return "solid" if len(spec.shape) == 4 else "vector"


def _picture(content: bytes, file: Path, spec: DataSpec) -> tuple[Tensor, list[str]]:
    image = decode_image(content, where=str(file))
    channels, height, width = spec.shape
    steps = []
    if image.shape[0] != channels:
        colour: Colour = next(name for name, count in CHANNELS.items() if count == channels)
        image = recoloured(image, colour)
        steps.append("brought to grey" if colour == "grey" else "grey in three equal channels")
    if image.shape[1:] != (height, width):
        if height != width:
            raise UserError(
                f"{file} is {image.shape[2]} x {image.shape[1]} pixels: the model was trained on {width} x {height}; "
                "resize it to that."
            )
        before = f"{image.shape[2]} x {image.shape[1]} pixels"
        image = middle_square(image)
        middle = "" if before == f"{image.shape[2]} x {image.shape[1]} pixels" else "its middle square "
        if image.shape[1] != height:
            image = resized(torch.from_numpy(np.ascontiguousarray(image))[None], height)[0]
        steps.append(f"of {before} {middle}brought to {width} x {height} ({FILTER})")
    return torch.from_numpy(np.array(image))[None], steps


def _sound(content: bytes, file: Path, spec: DataSpec) -> tuple[Tensor, list[str]]:
    rate, samples = decode_wav(content, where=str(file))
    asked, length, steps = spec.sampling_rate or rate, spec.shape[-1], []
    if rate != asked:
        samples = resampled(samples, rate, asked)
        steps.append(f"resampled from {rate} to {asked} Hz")
    if len(samples) != length:
        verb = "cut" if len(samples) > length else "padded with silence"
        steps.append(f"{verb} from {len(samples) / asked:.3g} to {length / asked:.3g} s")
    return torch.from_numpy(np.array(fitted(samples, length)))[None, None], steps


def _solid(content: bytes, file: Path, spec: DataSpec) -> tuple[Tensor, list[str]]:
    from gibbsweep.data.formats.meshes import binvox_grid, mesh_grid

    suffix = file.suffix.lower()
    if suffix not in (*_MESHES, ".binvox"):
        raise UserError(f"{file} is none of {_SUFFIXES['solid']}: name such a file.")
    binvox = suffix == ".binvox"
    grid = binvox_grid(content, str(file)) if binvox else mesh_grid(content, suffix.removeprefix("."), str(file))
    edge, steps = spec.shape[-1], [] if binvox else [f"voxelized to {grid.shape[0]} an edge"]
    x = torch.from_numpy(grid)[None, None].to(torch.uint8) * 255
    if grid.shape[0] != edge:
        x = torch.from_numpy(resized(x, edge))
        steps.append(f"brought to {edge} voxels an edge")
    return x, steps


def _array(file: Path, spec: DataSpec) -> Tensor:
    """The array ``x``, or the only one, of a NumPy file: bytes as they are, real values, or booleans in the units of
    ``spec``."""
    x = _loaded(file)
    if x.shape == spec.shape:
        x = x[None]
    if x.shape[1:] != spec.shape or not len(x):
        raise UserError(
            f"{file} holds an array of {x.shape}: expected examples (N, {', '.join(map(str, spec.shape))}), as the "
            "model was trained on."
        )
    if x.dtype == np.bool_:
        return torch.from_numpy(x.astype(np.float32) if spec.units == "binary" else x.astype(np.float32) * 2 - 1)
    if x.dtype == np.uint8 and len(spec.shape) >= 3:
        if x.max() <= 1:
            raise UserError(
                f"{file} holds bytes that are 0 or 1: expected 0 to 255; store truth values as bool, or real values in "
                f"{range_of(spec)}."
            )
        return torch.from_numpy(x)
    if x.dtype == np.int16 and len(spec.shape) == 2:
        return torch.from_numpy(x)
    if not np.issubdtype(x.dtype, np.floating):
        raise UserError(
            f"{file} holds {x.dtype}: expected real values in {range_of(spec)}, bool"
            f"{', or bytes from 0 to 255' if len(spec.shape) >= 3 else ''}; {advice_on(spec)}."
        )
    return torch.from_numpy(x.astype(np.float32))


def _loaded(file: Path) -> NDArray[Any]:
    try:
        loaded = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file} is no array of NumPy ({error}): write it with numpy.save or numpy.savez.") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = list(loaded)
        if "x" not in names and len(names) != 1:
            raise UserError(f"{file} holds the arrays {', '.join(names) or 'none'}: expected x, or a single one.")
        try:
            array: NDArray[Any] = loaded["x" if "x" in names else names[0]]
        except ValueError as error:
            raise UserError(f"{file} holds an array that only a pickle could: store numbers.") from error
    return array
