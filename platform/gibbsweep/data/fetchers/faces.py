"""Fetches Labelled Faces in the Wild without the labels: one face a person, cropped as LFWcrop does."""

from __future__ import annotations

import numpy as np
import torch

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Loaded, Source, obtaining
from gibbsweep.data.files.writing import Part
from gibbsweep.errors import UserError
from gibbsweep_models.draws import seeded

_TOP, _LEFT, _EDGE = 92, 83, 84
"""LFWcrop's square of the 250x250 photograph, in pixels."""

_SEED = 32  # of the draw of the persons that test
_TEST_SHARE = 10  # one person in ten tests


def fetch_faces(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads the photographs of the split's persons, who are drawn with a constant seed."""
    if not source.download:
        raise UserError(
            f"'{entry.name}' is downloaded by scikit-learn and not read from {source.path}: leave --from out"
        )

    from sklearn.datasets import fetch_lfw_people

    edge = entry.shape[-1]
    with obtaining(entry, source):
        people = fetch_lfw_people(
            data_home=source.path,
            funneled=False,
            color=True,
            min_faces_per_person=0,
            slice_=(slice(_TOP, _TOP + _EDGE), slice(_LEFT, _LEFT + _EDGE)),
            resize=(edge + 0.5) / _EDGE,  # scikit-learn rounds the edge down
        )
    _, first = np.unique(people.target, return_index=True)
    order = torch.randperm(len(first), generator=seeded(_SEED)).numpy()
    n_test = max(1, len(first) // _TEST_SHARE)
    chosen = np.sort(first[order[:n_test] if split == "test" else order[n_test:]])
    x = np.rint(people.images[chosen] * 255).astype(np.uint8)
    return Loaded([Part(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))], ())
