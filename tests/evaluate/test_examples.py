"""Which examples of a split are measured."""

from __future__ import annotations

import torch
from tests.evaluate.examples import LabelledExamples

from gibbsweep.evaluate.examples import batches_of


def test_a_limit_takes_a_spread_subset_in_batches() -> None:
    split = LabelledExamples(torch.arange(100).float()[:, None], torch.zeros(100))
    seen = torch.cat([batch["x"][:, 0] for batch in batches_of(split, 12, torch.device("cpu"), batch_size=5)])
    assert seen.tolist() == torch.linspace(0, 99, 12).round().tolist()
    assert sum(len(b["x"]) for b in batches_of(split, None, torch.device("cpu"), batch_size=30)) == 100
