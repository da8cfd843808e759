"""Gradient accumulation: a batch in parts is the whole batch, to rounding, or it is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.contracts.systems import SYSTEMS, TRAINED
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.train import Budget, Composed, train
from gibbsweep.train.update import update
from gibbsweep_models import draws, parallel

BATCH = 16

WHOLE = {
    "simclr",
    "two_view_ebm",
    "clip",
    "pair_ebm",
    "rbm",
    "rbm_pcd",
    "conv_ebm",
    "class_energy_jem",
    "normalized_autoencoder",
}
"""Some of those that cannot be split: contrastive losses, centred gradients, replay buffers."""
PARTS = {
    "score_edm",
    "score_vp",
    "score_vlb",
    "voxel_scores",
    "gan",
    "vae",
    "autoencoder",
    "dsm_energy",
    "waveform_edm",
}


class Unmoved(torch.optim.SGD):
    """Leaves the parameters and their gradients as they are."""

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        return None


def gradients(name: str, index: int, accumulate: int) -> tuple[list[Tensor], float]:
    """Those of phase ``index`` in the first update that has it, and its loss."""
    case = SYSTEMS[name]
    system = case.build()
    phase = system.phases()[index]
    step = next(step for step in range(100) if phase.runs_at(step))
    report = update(
        system,
        [phase],
        [Unmoved(phase.parameters)],
        case.dataset().train.batch(torch.arange(BATCH)),
        step=step,
        updates=100,
        precision="fp32",
        generator=draws.seeded(0),
        accumulate=accumulate,
    )
    return [p.grad for p in phase.parameters if p.grad is not None], report[f"{phase.name}/loss"]


@pytest.mark.parametrize("name", TRAINED)
def test_parts_add_up_to_the_whole_batch_or_are_refused(name: str) -> None:
    refused = 0
    for index in range(len(SYSTEMS[name].build().phases())):
        try:
            found, loss = gradients(name, index, 4)
        except UserError as error:
            assert "cannot be trained in 4 parts" in str(error)
            refused += 1
            continue
        expected, whole = gradients(name, index, 1)
        assert loss == pytest.approx(whole, rel=1e-4, abs=1e-5)
        largest = max(float(gradient.abs().max()) for gradient in expected)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * largest)
    assert not (refused and name in PARTS)
    assert refused or name not in WHOLE


def test_the_loop_takes_the_same_way_in_parts(tmp_path: Path) -> None:
    ends = []
    for accumulate in (1, 2, 8):
        system = SYSTEMS["score_edm"].build()
        budget = Budget(updates=3, batch_size=BATCH, report_every=3, accumulate=accumulate)
        run_dir = tmp_path / str(accumulate)
        train(
            system, load("digits").train, budget, report=Composed(), run_dir=run_dir, seed=0, precision="fp32"
        )  # fmt: skip
        ends.append(torch.cat([p.detach().flatten() for p in system.parameters()]))
    torch.testing.assert_close(ends[1], ends[0], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(ends[2], ends[0], rtol=1e-3, atol=1e-5)


def test_what_cannot_be_split_evenly_is_refused(tmp_path: Path) -> None:
    budget = Budget(updates=1, batch_size=BATCH, accumulate=3)
    system = SYSTEMS["score_edm"].build()
    with pytest.raises(UserError, match="16 examples cannot be split evenly into 3 parts"):
        train(system, load("digits").train, budget, report=Composed(), run_dir=tmp_path, seed=0)
    with pytest.raises(ValueError, match="accumulate >= 1"):
        Budget(updates=1, accumulate=0)


def test_no_collective_brings_parts_together() -> None:
    x = torch.zeros(3)
    for collective in (parallel.all_gather_batch, parallel.gather_with_gradient, parallel.all_mean):
        assert torch.equal(collective(x), x)
        with parallel.in_parts(), pytest.raises(parallel.WholeBatchNeeded):
            collective(x)


def test_parts_of_workers_draw_what_so_many_workers_draw() -> None:
    whole = draws.randn((12, 2), generator=draws.seeded(4))
    generator = draws.seeded(4, rank=1, world_size=2)
    for index in range(3):
        draws.reseed(generator, 4)
        with generator.part(index, 3):
            torch.testing.assert_close(draws.randn((2, 2), generator=generator), whole[6 + 2 * index : 8 + 2 * index])
    assert (generator.rank, generator.world_size) == (1, 2)
