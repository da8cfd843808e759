"""What solids share with solids by closed forms, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import VoxelGeneration
from gibbsweep.evaluate.drawing.solids import TURNED_EDGE, TURNS
from gibbsweep.evaluate.features.network import FeatureNetwork
from gibbsweep.evaluate.samples.voxels import intersection_over_union, matches, measure_voxels, nearest_iou, occupancy
from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.types import Samples, Trace, Units


def box(*sides: slice) -> Tensor:
    x = torch.zeros(8, 8, 8)
    x[sides] = 1.0
    return x.flatten()


def solids(n: int, seed: int = 0) -> Tensor:
    return (rand((n, 64), generator=seeded(seed)) < 0.3).float()


def test_the_iou_of_boxes_is_that_of_their_volumes() -> None:
    cube = box(slice(0, 4), slice(0, 4), slice(0, 4))
    moved = box(slice(2, 6), slice(0, 4), slice(0, 4))
    apart = box(slice(4, 8), slice(4, 8), slice(4, 8))
    empty = torch.zeros(512)
    found = intersection_over_union(torch.stack([cube, empty]), torch.stack([cube, moved, apart, empty]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 32 / 96, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]))


def test_iou_agrees_with_sets() -> None:
    a, b = solids(5), solids(7, seed=1)
    found = intersection_over_union(a, b)
    for i, one in enumerate(a.bool()):
        for j, other in enumerate(b.bool()):
            assert found[i, j] == pytest.approx(float((one & other).sum() / (one | other).sum()))


def test_the_nearest_is_found_whatever_the_parts() -> None:
    x, among = solids(9), solids(40, seed=1)
    among[23] = x[4]
    whole = intersection_over_union(x, among).max(dim=1)
    for size in (1, 7, 40):
        best, which = nearest_iou(x, iter(among.split(size)))
        torch.testing.assert_close(best, whole.values)
        torch.testing.assert_close(best, intersection_over_union(x, among)[torch.arange(9), which])
    assert (best[4], which[4]) == (1.0, 23)


def test_coverage_and_mmd_of_copies_and_of_one_mode() -> None:
    real = solids(30)
    copies = matches(real, real.flip(0))
    assert (copies.coverage, copies.mmd) == (1.0, 0.0)
    one = matches(real, real[:1].expand(30, -1))
    assert one.coverage == pytest.approx(1 / 30)
    assert one.mmd == pytest.approx(float((1 - intersection_over_union(real, real[:1])).mean()))


def test_a_voxel_is_filled_above_the_middle_of_its_units() -> None:
    x = torch.tensor([[[[[-1.0, -0.1]]], [[[0.1, 1.0]]]]]).view(1, 1, 1, 2, 2)
    assert occupancy(x, "signed").tolist() == [[0, 0, 1, 1]]
    assert occupancy((x + 1) / 2, "binary").tolist() == [[0, 0, 1, 1]]


@dataclass
class Copying:
    """Its samples are training examples: spoiled by noise that no threshold sees, or, of ``binary`` units, as means."""

    x: Tensor
    binary: bool

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        if self.binary:
            return Samples(torch.zeros_like(self.x[:n]), nfe=1, info={"mean": 0.2 + 0.6 * self.x[:n]})
        return Samples(self.x[:n] * (0.1 + 0.9 * rand((n, *self.x.shape[1:]), generator=generator)), nfe=1)


@pytest.fixture
def three_certain_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a trained network: solids of few, of some and of many voxels."""

    def call(x: Tensor) -> tuple[Tensor, Tensor]:
        filled = (x > 0).flatten(1).sum(dim=1)
        return filled[:, None].float(), 100.0 * torch.eye(3)[(filled > 50).long() + (filled > 100).long()]

    network = FeatureNetwork("counting", "counting", call)
    monkeypatch.setattr("gibbsweep.evaluate.samples.voxels.feature_network", lambda *_: network)


@pytest.mark.usefixtures("three_certain_classes")
@pytest.mark.parametrize("units", ["signed", "binary"])
def test_a_model_that_copies_is_found_out(units: Units) -> None:
    data = load("solids", units=units)
    system = Copying(data.train.batch(torch.arange(len(data.train)))["x"], units == "binary")
    found = VoxelGeneration(n=40, real=True, batch_size=16, turned=3)(system, data.validation, generator=seeded(0))
    metrics = found.metrics
    assert metrics["voxel_n"] == 40
    assert metrics["nearest_train_iou"] == 1.0
    assert metrics["nearest_train_iou_real"] < 1.0
    assert 1.0 <= metrics["class_inception_score"] <= 3.0
    assert set(found.images) == {"voxels", "nearest_train", f"voxels_{TURNS}_sides"}
    assert found.images[f"voxels_{TURNS}_sides"].shape == (TURNS * TURNED_EDGE, 3 * TURNED_EDGE)


@pytest.mark.usefixtures("three_certain_classes")
def test_measures_of_the_split_itself_are_perfect() -> None:
    data = load("solids")
    own = occupancy(data.validation.batch(torch.arange(len(data.validation)))["x"], "signed")
    metrics = measure_voxels(own, data.validation).metrics
    assert (metrics["iou_coverage"], metrics["iou_mmd"]) == (1.0, 0.0)
    assert metrics["nearest_train_iou"] < 1.0


def test_other_data_is_refused_by_name() -> None:
    digits = load("digits")
    with pytest.raises(UserError, match="'digits' has examples of"):
        measure_voxels(torch.zeros(3, 64), digits.validation)
