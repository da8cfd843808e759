"""Examples as files: pictures with the evaluators' own renderers, sounds, animations and arrays."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.formats.images import encode_png
from gibbsweep.data.formats.wav import amplitude_to_int16, encode_wav
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import are_images, at_contrast, image_grid, render, unit_means
from gibbsweep.evaluate.drawing.spectrograms import spectrogram_grid
from gibbsweep.evaluate.samples.sounds import one_after_another
from gibbsweep.evaluate.samples.voxels import occupancy
from gibbsweep.folder import write_atomically
from gibbsweep.train.report import write_png
from gibbsweep_models.types import DataSpec, Samples

_SOLIDS_IN_A_ROW = 4
_GIF_MS = 80
"""Milliseconds of a frame; the last one stays ten times as long."""


def usual_suffix(spec: DataSpec) -> str:
    """The kind of file in which a person looks at, or hears, such examples."""
    if _are_sounds(spec):
        return ".wav"
    return ".png" if _can_be_drawn(spec) else ".npz"


def check_out(out: Path, spec: DataSpec, suffixes: Sequence[str]) -> None:
    """Raise UserError, before anything is drawn, where ``out`` is none of ``suffixes`` ("": a folder), such examples
    are not written to it, or its folder cannot be written."""
    suffix = out.suffix.lower()
    possible = [one for one in suffixes if _takes(one, spec)]
    if suffix not in possible:
        names = [one or "a folder (no suffix)" for one in possible]
        raise UserError(f"--out {out} is not written for examples of {spec.shape}: use {', '.join(names)}.")
    if out.is_dir() and suffix:
        raise UserError(f"--out {out} is a folder: name a file in it.")
    above = out.parent
    if above.exists() and not above.is_dir():
        raise UserError(f"--out {out} cannot be written, as {above} is a file: choose another place.")


def _takes(suffix: str, spec: DataSpec) -> bool:
    if suffix == ".wav":
        return _are_sounds(spec)
    if suffix == ".gif":
        return len(spec.shape) >= 3 and _can_be_drawn(spec)
    if suffix in (".npz", ".npy"):
        return True
    return _can_be_drawn(spec) if suffix else len(spec.shape) > 1


def _are_sounds(spec: DataSpec) -> bool:
    return len(spec.shape) == 2 and spec.sampling_rate is not None


def _can_be_drawn(spec: DataSpec) -> bool:
    empty = torch.zeros(1, *spec.shape)
    solid = len(spec.shape) == 4 and spec.shape[0] == 1
    return are_images(empty) or solid or _are_sounds(spec) or spec.shape in ((1,), (2,))


def write_examples(
    out: Path, samples: Samples, spec: DataSpec, *, columns: int | None = None, arrays: Mapping[str, Any] | None = None
) -> None:
    """Write the ``samples`` to one file: a picture of all, one sound after the other, or an array ``x`` (N, *D) with
    further ``arrays``. The same samples give the same bytes."""
    suffix = out.suffix.lower()
    x = samples.x.detach().float().cpu()
    if suffix == ".npz":
        content = io.BytesIO()
        named: dict[str, Any] = {"x": x.numpy(), **(arrays or {})}
        np.savez(content, **named)
        _write(out, content.getvalue())
    elif suffix == ".npy":
        content = io.BytesIO()
        np.save(content, x.numpy())
        _write(out, content.getvalue())
    elif suffix == ".wav":
        sound = one_after_another(x, spec.sampling_rate or 1)
        _write(out, encode_wav(sound.samples, sound.rate))
    else:
        _draw(out, picture(samples, spec, columns))


def write_each(folder: Path, x: Tensor, names: Sequence[str], spec: DataSpec) -> None:
    """Write each example of ``x`` (N, *D) to a file of its own in ``folder``, after its name: as a picture of its own
    size, a sound or an array."""
    for name, one in zip(_distinct(names), x.detach().float().cpu(), strict=True):
        if _are_sounds(spec):
            wave = amplitude_to_int16(one[0].numpy())
            _write(folder / f"{name}.wav", encode_wav(wave, spec.sampling_rate or 1))
        elif are_images(one[None]):
            pixels = render(one[None], binary=spec.units == "binary")[0]
            _write(folder / f"{name}.png", encode_png(np.ascontiguousarray(pixels.transpose(2, 0, 1))))
        else:
            content = io.BytesIO()
            np.save(content, one.numpy())
            _write(folder / f"{name}.npy", content.getvalue())


def _distinct(names: Sequence[str]) -> list[str]:
    """The names without suffixes, and with numbers where two are then equal."""
    stems = [Path(name.replace("[", "_").rstrip("]")).stem if "[" not in name else _flat(name) for name in names]
    return [stem if stems.count(stem) == 1 else f"{stem}_{i}" for i, stem in enumerate(stems)]


def _flat(name: str) -> str:
    """``more.npz[2]`` as ``more_2``."""
    file, _, place = name.rpartition("[")
    return f"{Path(file).stem}_{place.rstrip(']')}"


def write_rows(out: Path, rows: Sequence[Tensor], spec: DataSpec, *, columns: int = 10) -> None:
    """Write one picture of several versions of examples, (N, *D) each: a row of each, ``columns`` examples at a
    time."""
    parts = [
        part for start in range(0, len(rows[0]), columns) for part in (row[start : start + columns] for row in rows)
    ]
    widest = min(columns, len(rows[0]))
    if len(rows[0]) % columns and len(rows[0]) > columns:  # the last rows are shorter: each is filled with nothing
        parts = [torch.cat([part, part.new_zeros(widest - len(part), *part.shape[1:])]) for part in parts]
    x = torch.cat(parts)
    if _are_sounds(spec):
        write_png(out, spectrogram_grid(x, spec.sampling_rate or 1, columns=widest))
    else:
        _draw(out, image_grid(x.cpu(), columns=widest, binary=spec.units == "binary"))


def picture(samples: Samples, spec: DataSpec, columns: int | None = None) -> NDArray[np.uint8]:
    """One picture of all ``samples``, as evaluators draw them: of units that are drawn by chance their means, of solids
    what fills more than half, of sounds the spectrograms, of points in the plane a map."""
    x = samples.x.detach().float().cpu()
    n = len(x)
    if _are_sounds(spec):
        return spectrogram_grid(x, spec.sampling_rate or 1, columns=columns or min(4, n))
    if len(spec.shape) == 1:
        return _map(x)
    if len(spec.shape) == 4:
        means = samples.info.get("mean", unit_means(samples)).detach().float().cpu()
        filled = occupancy(means, spec.units).view(n, *spec.shape)
        return image_grid(filled, columns=columns or min(_SOLIDS_IN_A_ROW, n), binary=True)
    return image_grid(unit_means(samples), columns=columns or squarest(n), binary=spec.units == "binary")


def write_path(out: Path, moments: Iterable[Tensor], spec: DataSpec, columns: int | None = None) -> None:
    """Write an animation of chains (N, *D) on their way from noise to samples. What is noisier than a picture is shown
    at a picture's contrast."""
    from PIL import Image

    frames = []
    for x in moments:
        shown = x.detach().float().cpu()
        binary = spec.units == "binary"
        if len(spec.shape) == 4:
            shown, binary = occupancy(shown, spec.units).view(-1, *spec.shape), True
        elif not binary:
            shown = at_contrast(shown)
        frames.append(Image.fromarray(image_grid(shown, columns=columns or squarest(len(x)), binary=binary)))
    content = io.BytesIO()
    durations = [_GIF_MS] * (len(frames) - 1) + [10 * _GIF_MS]
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    _write(out, content.getvalue())


class Moments:
    """A trace that keeps at most ``limit`` moments of a chain of any length, evenly spread."""

    def __init__(self, limit: int = 60) -> None:
        self._limit, self._every = limit, 1
        self.kept: list[Tensor] = []
        """The chains at these moments."""

    def __call__(self, step: int, x: Tensor) -> None:
        if (step - 1) % self._every:
            return
        if len(self.kept) == self._limit:
            self.kept, self._every = self.kept[::2], 2 * self._every
            if (step - 1) % self._every:
                return
        self.kept.append(x.detach().clone())


def squarest(n: int) -> int:
    """Columns of a grid of ``n`` examples that is about as wide as high."""
    return max(1, math.ceil(math.sqrt(n)))


def _map(x: Tensor) -> NDArray[np.uint8]:
    """Points (N, 2) in the plane, or a histogram of numbers (N, 1)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 4.0), layout="constrained")
    axes = figure.subplots()
    if x.shape[1] == 2:
        axes.plot(x[:, 0].numpy(), x[:, 1].numpy(), ".", markersize=3)
        axes.set_aspect("equal")
    else:
        axes.hist(x[:, 0].numpy(), bins=50)
    return figure_pixels(figure)


def _draw(out: Path, pixels: NDArray[np.uint8]) -> None:
    try:
        write_png(out, pixels)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): choose another --out.") from error


def _write(out: Path, content: bytes) -> None:
    try:
        write_atomically(out, content)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): choose another --out.") from error
