"""Every system trains by the one loop, on digits, resumes bit-exactly, and keeps its promises about shapes and randomness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.contracts.systems import SYSTEMS, TRAINED

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.train import Budget, Composed, fit, train
from gibbsweep.train.calibrate import calibrate
from gibbsweep.train.checkpoint import load_weights, read_checkpoint
from gibbsweep.train.ema import EMA
from gibbsweep_models import draws
from gibbsweep_models.capabilities import (
    CanCalibrate,
    CanFit,
    CanSample,
    HasAnomalyScore,
    HasChain,
    HasEnergy,
    HasFeatures,
    HasLogits,
)
from gibbsweep_models.types import System

BATCH = 32
systems = pytest.mark.parametrize("name", SYSTEMS)
trained = pytest.mark.parametrize("name", TRAINED)


class Interrupted(Exception):
    """What ends a run between two reports."""


def train_for(name: str, run_dir: Path, updates: int, *, seed: int = 0, interrupt_at: int | None = None) -> System:
    def announce(step: int, metrics: object, images: object = None) -> None:
        if step == interrupt_at:
            raise Interrupted

    case = SYSTEMS[name]
    system = case.build()
    outcome = train(
        system,
        case.dataset().train,
        Budget(updates=updates, batch_size=BATCH, report_every=2),
        report=Composed(),
        announce=announce,
        run_dir=run_dir,
        seed=seed,
        precision="fp32",
    )
    assert (outcome.kind, outcome.step) == ("completed", updates)
    return system


@trained
def test_two_halves_and_a_resume_are_bit_equal_to_the_whole(name: str, tmp_path: Path) -> None:
    train_for(name, tmp_path / "whole", 4)
    with pytest.raises(Interrupted):
        train_for(name, tmp_path / "halves", 4, interrupt_at=2)
    train_for(name, tmp_path / "halves", 4)
    _, whole = read_checkpoint(tmp_path / "whole" / "checkpoint")
    _, halves = read_checkpoint(tmp_path / "halves" / "checkpoint")
    assert whole.keys() == halves.keys()
    for key in whole:
        assert torch.equal(whole[key], halves[key]), key


@trained
def test_every_parameter_of_every_phase_learns(name: str, tmp_path: Path) -> None:
    before = {key: p.detach().clone() for key, p in SYSTEMS[name].build().named_parameters()}
    system = train_for(name, tmp_path, 2)
    in_phases = {id(p) for phase in system.phases() for p in phase.parameters}
    for key, parameter in system.named_parameters():
        assert id(parameter) in in_phases, f"{key} is in no phase"
    moved = [key for key, p in system.named_parameters() if not torch.equal(p.detach(), before[key])]
    assert moved, "nothing was trained"


@trained
def test_another_seed_is_another_model(name: str, tmp_path: Path) -> None:
    train_for(name, tmp_path / "a", 2, seed=0)
    train_for(name, tmp_path / "b", 2, seed=1)
    _, a = read_checkpoint(tmp_path / "a" / "checkpoint")
    _, b = read_checkpoint(tmp_path / "b" / "checkpoint")
    weights = [key for key in a if key.startswith("model/")]
    assert any(not torch.equal(a[key], b[key]) for key in weights)


@systems
def test_samples_have_the_data_s_shape_and_follow_their_generator(name: str) -> None:
    system = SYSTEMS[name].build().eval()
    if not isinstance(system, CanSample):
        return
    first = system.sample(5, generator=draws.seeded(3))
    again = system.sample(5, generator=draws.seeded(3))
    other = system.sample(5, generator=draws.seeded(4))
    assert first.x.shape == (5, *SYSTEMS[name].dataset().spec.shape)
    assert first.nfe > 0
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x, other.x)
    assert not first.x.requires_grad
    assert all(p.grad is None for p in system.parameters())


@systems
def test_energies_and_chains(name: str) -> None:
    case = SYSTEMS[name]
    system = case.build().eval()
    batch = case.dataset().train.batch(torch.arange(6))
    x = batch["x"]
    if isinstance(system, HasEnergy):
        whole, part = (
            () if case.condition is None else (batch[case.condition][rows],) for rows in (slice(6), slice(2, 4))
        )
        assert system.energy(x, *whole).shape == (6,)
        torch.testing.assert_close(system.energy(x, *whole)[2:4], system.energy(x[2:4], *part))
    if isinstance(system, HasChain):
        seen: list[int] = []
        end = system.run_chain(x, 3, generator=draws.seeded(0), trace=lambda step, _: seen.append(step))
        assert end.x.shape == x.shape
        assert seen == [1, 2, 3]
    assert isinstance(system, HasEnergy) or not isinstance(system, HasChain)


@systems
def test_wrong_units_are_refused_with_a_sentence(name: str) -> None:
    case = SYSTEMS[name]
    if case.any_units:
        return
    # Of the spec alone: sounds cannot even be loaded in binary units.
    spec = replace(case.dataset().spec, units="signed" if case.config.units == "binary" else "binary")
    with pytest.raises(ValueError, match="units"):
        case.config.build(spec)


@pytest.mark.parametrize("name", ["score_norms_neighbours", "score_norms_mixture"])
def test_a_checkpoint_holds_what_the_averaged_weights_were_calibrated_to(name: str, tmp_path: Path) -> None:
    case = SYSTEMS[name]
    data = case.dataset().train
    x = data.batch(torch.arange(16))["x"]
    train_for(name, tmp_path, 4)
    loaded, calibrated = case.build(), case.build()
    for system in (loaded, calibrated):
        assert isinstance(system, CanCalibrate) and isinstance(system, HasAnomalyScore)
        load_weights(tmp_path / "checkpoint", system)
    found = loaded.anomaly_score(x, generator=draws.seeded(0))
    calibrate(calibrated, EMA(calibrated, 0.0), data, seed=0, device=torch.device("cpu"))
    torch.testing.assert_close(calibrated.anomaly_score(x, generator=draws.seeded(0)), found, rtol=1e-3, atol=1e-3)
    few = load(f"{case.data}[:10]", units=case.config.units).train
    with pytest.raises(UserError, match="64 training examples, and there are"):
        calibrate(loaded, EMA(loaded, 0.0), few, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name not in TRAINED])
def test_a_fitted_system_follows_its_seed(name: str) -> None:
    """The same seed, the same numbers: whatever it can do is measured twice on two fits."""
    case = SYSTEMS[name]
    x = case.dataset().test.batch(torch.arange(16))["x"]
    seen = []
    for _ in range(2):
        system = case.build()
        assert isinstance(system, CanFit)
        outcome = fit(system, case.dataset().train, report=Composed(), seed=3)
        assert (outcome.kind, outcome.step) == ("completed", 1)
        found = []
        if isinstance(system, HasLogits):
            found.append(system.logits(x))
        if isinstance(system, HasFeatures):
            found.append(system.features(x))
        if isinstance(system, HasAnomalyScore):
            found.append(system.anomaly_score(x, generator=draws.seeded(0)))
        seen.append(found)
    for one, two in zip(*seen, strict=True):
        assert len(one) == len(x)
        assert torch.equal(one, two)
