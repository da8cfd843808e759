"""Figures of matplotlib as pixels, to be reported like any picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_pixels(figure: Figure, *, dpi: int = 110) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) of a matplotlib figure that was made without pyplot (no window, no global state)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[..., :3].copy()  # type: ignore[no-untyped-call]
