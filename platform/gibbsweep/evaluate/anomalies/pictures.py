"""Histograms of anomaly scores, and rows of images below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.evaluate.drawing.grids import image_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_histograms(axes: Axes, by_label: Mapping[str, NDArray[np.float64]], *, around: NDArray[np.float64]) -> None:
    """Draw histograms of scores (N,) by label, over the middle of the scores ``around``; the outer bars hold what lies
    beyond."""
    # The tails of a heavy-tailed score would press the rest into one bar.
    lower, upper = np.quantile(around, [0.25, 0.75])
    reach = 3.0 * (upper - lower)
    low, high = max(around.min(), lower - reach), min(around.max(), upper + reach)
    bins = np.linspace(low, high if high > low else low + 1.0, 60).tolist()
    for label, values in by_label.items():
        axes.hist(values.clip(low, high), bins=bins, density=True, alpha=0.6, label=label)
    axes.set_xlabel("anomaly score (the outer bars hold what lies beyond)")
    axes.set_yticks([])
    axes.legend(frameon=False)


def draw_rows(axes: Axes, x: Tensor, labels: Sequence[str], *, binary: bool) -> None:
    """Draw images ``x`` (R * n, C, H, W) in rows of n, with one of the R ``labels`` beside each row."""
    grid = image_grid(x, columns=len(x) // len(labels), binary=binary)
    axes.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="equal")
    axes.set_xticks([])
    axes.set_yticks((np.arange(len(labels)) + 0.5) * grid.shape[0] / len(labels), labels)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
