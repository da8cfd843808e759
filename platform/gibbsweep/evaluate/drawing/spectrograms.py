"""Pictures of sounds: the waveform above the spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep_models.nn.encoders.spectrogram import n_fft_of, power_spectrogram

_DECIBELS = 70.0
"""Decibels below the loudest place of a sound that are still shown."""


def spectrogram_grid(
    x: Tensor, rate: int, *, columns: int = 4, titles: tuple[str, ...] = (), edge: float = 2.2
) -> NDArray[np.uint8]:
    """One picture of the sounds ``x`` (N, 1, L) in [-1, 1], row by row: seconds to the right, kHz upwards, bright =
    loud.

    Each sound is shown down to 70 dB below its own loudest place, or below -50 dB if it is nowhere louder, so that a
    quiet voice is seen too. ``rate``: samples a second; ``edge``: inches of one sound.
    """
    from matplotlib.figure import Figure

    n_fft = n_fft_of(rate)
    x = x.detach().float().cpu()
    decibels = 10.0 * power_spectrogram(x, n_fft).clamp(min=1e-12).log10().numpy()
    seconds = x.shape[-1] / rate
    rows = -(-len(x) // columns)
    figure = Figure(figsize=(edge * columns + 0.5, edge * rows + 0.4), layout="constrained")
    axes = figure.subplots(2 * rows, columns, squeeze=False, sharex=True, height_ratios=[1, 3] * rows)
    time = np.arange(x.shape[-1]) / rate
    for i in range(rows * columns):
        wave, picture = axes[2 * (i // columns), i % columns], axes[2 * (i // columns) + 1, i % columns]
        if i >= len(x):
            wave.set_axis_off()
            picture.set_axis_off()
            continue
        wave.plot(time, x[i, 0].numpy(), linewidth=0.4)
        reach = max(float(x[i].abs().max()), 0.01)
        wave.set_ylim(-reach, reach)
        wave.tick_params(labelleft=False, labelbottom=False, length=0)
        if i < len(titles):
            wave.set_title(titles[i], fontsize=8)
        loudest = max(float(decibels[i].max()), -50.0)
        picture.imshow(
            decibels[i],
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=loudest - _DECIBELS,
            vmax=loudest,
            extent=(0.0, seconds, 0.0, rate / 2000.0),
        )
        picture.tick_params(labelsize=7, labelleft=i % columns == 0, labelbottom=i + columns >= len(x))
    figure.supxlabel("seconds", fontsize=8)
    figure.supylabel("kHz", fontsize=8)
    return figure_pixels(figure)
