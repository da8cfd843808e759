"""The gallery of a study: the pictures of its rows side by side, and their sounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gibbsweep.folder import as_file_name, write_atomically
from gibbsweep.folder.layout import IMAGES, SOUNDS, TEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 4.2
"""The width of one picture in inches."""

_WIDE = 0.25
"""Height over width below which pictures stand below each other and twice as wide. A strip of panels needs more than a
third of a page."""

_REAL = "real_"
"""Pictures of this name show no run's samples, though a run's evaluator drew them."""


def draw_gallery(runs: Mapping[str, Path], name: str) -> Figure | None:
    """Draw the last picture ``name`` (such as ``samples``) of each run that has one, titled with the run's label.

    The pictures are those of the test split. ``runs`` has the run folders by label. None where no run has a picture.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    pictures = {label: np.asarray(Image.open(path)) for label, path in _last(runs, IMAGES, name, "png").items()}
    if not pictures:
        return None
    heights = [picture.shape[0] / picture.shape[1] for picture in pictures.values()]
    wide = max(heights) < _WIDE
    columns, width = (1, 2 * _WIDTH) if wide else (min(3, len(pictures)), _WIDTH)
    rows = math.ceil(len(pictures) / columns)
    figure = Figure(figsize=(width * columns, rows * (width * max(heights) + 0.35)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (label, picture) in zip(axes.flat, pictures.items(), strict=False):
        # Square pixels stay square and sharp: a picture is shown, not resampled into a blur.
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest" if rows == 1 else "antialiased")
        axis.set_title("examples of the test split" if name.startswith(_REAL) else label, fontsize=9)
    return figure


def copy_sounds(runs: Mapping[str, Path], name: str, folder: Path, stem: str) -> None:
    """Copy the last sound ``name`` of each run that has one to ``folder/STEM_NAME_LABEL.wav``."""
    for label, path in _last(runs, SOUNDS, name, "wav").items():
        write_atomically(folder / f"{stem}_{as_file_name(name)}_{as_file_name(label)}.wav", path.read_bytes())


def _last(runs: Mapping[str, Path], kind: str, name: str, suffix: str) -> dict[str, Path]:
    """The last file ``name`` of a kind on the test split, by the label of each run that has one."""
    files = {label: sorted((run / kind / TEST / name).glob(f"*.{suffix}")) for label, run in runs.items()}
    return {label: paths[-1] for label, paths in files.items() if paths}
