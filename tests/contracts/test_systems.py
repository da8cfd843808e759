"""Every system trains by the one loop, on digits, resumes bit-exactly, and keeps its promises about shapes and randomness."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.contracts.systems import SYSTEMS

from gibbsweep.data import load
from gibbsweep.train import Budget, Composed, train
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep_models import draws
from gibbsweep_models.capabilities import CanSample, HasChain, HasEnergy
from gibbsweep_models.types import System

BATCH = 32
systems = pytest.mark.parametrize("name", SYSTEMS)


def build(name: str) -> System:
    torch.manual_seed(0)
    return SYSTEMS[name].build(load("digits", units=SYSTEMS[name].units).spec)


def fit(name: str, run_dir: Path, updates: int, *, seed: int = 0) -> System:
    data = load("digits", units=SYSTEMS[name].units)
    system = build(name)
    outcome = train(
        system,
        data.train,
        Budget(updates=updates, batch_size=BATCH, report_every=2),
        report=Composed(),
        run_dir=run_dir,
        seed=seed,
        precision="fp32",
    )
    assert (outcome.outcome, outcome.step) == ("completed", updates)
    return system


@systems
def test_two_halves_and_a_resume_are_bit_equal_to_the_whole(name: str, tmp_path: Path) -> None:
    fit(name, tmp_path / "whole", 4)
    fit(name, tmp_path / "halves", 2)
    fit(name, tmp_path / "halves", 4)
    _, whole = read_checkpoint(tmp_path / "whole" / "checkpoint")
    _, halves = read_checkpoint(tmp_path / "halves" / "checkpoint")
    assert whole.keys() == halves.keys()
    for key in whole:
        assert torch.equal(whole[key], halves[key]), key


@systems
def test_every_parameter_of_every_phase_learns(name: str, tmp_path: Path) -> None:
    before = {key: p.detach().clone() for key, p in build(name).named_parameters()}
    system = fit(name, tmp_path, 2)
    in_phases = {id(p) for phase in system.phases() for p in phase.parameters}
    for key, parameter in system.named_parameters():
        assert id(parameter) in in_phases, f"{key} is in no phase"
    moved = [key for key, p in system.named_parameters() if not torch.equal(p.detach(), before[key])]
    assert moved, "nothing was trained"


@systems
def test_another_seed_is_another_model(name: str, tmp_path: Path) -> None:
    fit(name, tmp_path / "a", 2, seed=0)
    fit(name, tmp_path / "b", 2, seed=1)
    _, a = read_checkpoint(tmp_path / "a" / "checkpoint")
    _, b = read_checkpoint(tmp_path / "b" / "checkpoint")
    weights = [key for key in a if key.startswith("model/")]
    assert any(not torch.equal(a[key], b[key]) for key in weights)


@systems
def test_samples_have_the_data_s_shape_and_follow_their_generator(name: str) -> None:
    system = build(name).eval()
    if not isinstance(system, CanSample):
        assert name == "autoencoder", "a generative system samples"
        return
    first = system.sample(5, generator=draws.seeded(3))
    again = system.sample(5, generator=draws.seeded(3))
    other = system.sample(5, generator=draws.seeded(4))
    assert first.x.shape == (5, 1, 8, 8)
    assert first.nfe > 0
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x, other.x)
    assert not first.x.requires_grad
    assert all(p.grad is None for p in system.parameters())


@systems
def test_energies_and_chains(name: str) -> None:
    system = build(name).eval()
    x = load("digits", units=SYSTEMS[name].units).train.batch(torch.arange(6))["x"]
    if isinstance(system, HasEnergy):
        assert system.energy(x).shape == (6,)
        torch.testing.assert_close(system.energy(x)[2:4], system.energy(x[2:4]))
    if isinstance(system, HasChain):
        seen: list[int] = []
        end = system.run_chain(x, 3, generator=draws.seeded(0), trace=lambda step, _: seen.append(step))
        assert end.x.shape == x.shape
        assert seen == [1, 2, 3]
    assert isinstance(system, HasEnergy) or not isinstance(system, HasChain)


@systems
def test_wrong_units_are_refused_with_a_sentence(name: str) -> None:
    spec = load("digits", units="signed" if SYSTEMS[name].units == "binary" else "binary").spec
    if name in ("vae", "autoencoder", "gan"):
        return  # their decoders follow the units of the data
    with pytest.raises(ValueError, match="units"):
        SYSTEMS[name].build(spec)
