"""Every system trains by the one loop, on digits, resumes bit-exactly, and keeps its promises about shapes and
randomness."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contracts.systems import FITTED, REFERENCES, SYSTEMS, TRAINED, able
from tests.contracts.training import Training, train_system

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.train import Composed, fit
from gibbsweep.train.calibrate import calibrate
from gibbsweep.train.checkpoint import has_checkpoint, load_weights, read_checkpoint
from gibbsweep.train.ema import EMA
from gibbsweep_models import draws
from gibbsweep_models.baselines.references import TrainingDataSystem
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

trained_systems = pytest.mark.parametrize("name", TRAINED)
Trained = Callable[[str], Training]


class Interrupted(Exception):
    """What ends a run between two reports."""


def train_half(name: str, run_dir: Path, seed: int = 0) -> Path:
    """Train until the first of the two reports; the folder of the run."""

    def interrupt(step: int, *report: object) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        train_system(name, run_dir, seed=seed, announce=interrupt)
    return run_dir


@pytest.fixture(scope="module")
def half_trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a system's run that was interrupted half-way."""
    folder = tmp_path_factory.mktemp("half_trained")
    return cache(lambda name: train_half(name, folder / name))


@trained_systems
def test_two_halves_and_a_resume_are_bit_equal_to_the_whole(
    name: str, trained: Trained, half_trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run_dir = Path(shutil.copytree(half_trained(name), tmp_path / "run"))
    train_system(name, run_dir)
    _, halves = read_checkpoint(run_dir / "checkpoint")
    _, whole = read_checkpoint(trained(name).run_dir / "checkpoint")
    assert whole.keys() == halves.keys()
    for key in whole:
        assert torch.equal(whole[key], halves[key]), key


@trained_systems
def test_another_seed_is_another_model(name: str, half_trained: Callable[[str], Path], tmp_path: Path) -> None:
    _, one = read_checkpoint(half_trained(name) / "checkpoint")
    _, other = read_checkpoint(train_half(name, tmp_path, seed=1) / "checkpoint")
    weights = [key for key in one if key.startswith("model/")]
    assert any(not torch.equal(one[key], other[key]) for key in weights)


@trained_systems
def test_every_parameter_of_every_phase_learns(name: str, trained: Trained) -> None:
    before = dict(SYSTEMS[name].build().named_parameters())
    system = trained(name).system
    in_phases = {id(p) for phase in system.phases() for p in phase.parameters}
    for key, parameter in system.named_parameters():
        assert id(parameter) in in_phases, f"{key} is in no phase"
    moved = [key for key, p in system.named_parameters() if not torch.equal(p, before[key])]
    assert moved, "nothing was trained"


@pytest.mark.parametrize("name", able(CanSample))
def test_samples_have_the_data_s_shape_and_follow_their_generator(name: str, tmp_path: Path) -> None:
    system = SYSTEMS[name].build().eval()
    assert isinstance(system, CanSample)
    if isinstance(system, CanFit):
        fit(system, SYSTEMS[name].dataset().train, report=Composed(), run_dir=tmp_path, seed=0)
    first = system.sample(5, generator=draws.seeded(3))
    again = system.sample(5, generator=draws.seeded(3))
    other = system.sample(5, generator=draws.seeded(4))
    assert first.x.shape == (5, *SYSTEMS[name].dataset().spec.shape)
    assert (first.nfe > 0) is (name not in REFERENCES)
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x, other.x)
    assert not first.x.requires_grad
    assert all(p.grad is None for p in system.parameters())


@pytest.mark.parametrize("name", able(CanSample))
def test_samples_that_cannot_be_are_refused_in_a_sentence(name: str) -> None:
    system: Any = SYSTEMS[name].build().eval()
    for n, error in ((0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match=f"got n={n} samples, expected"):
            system.sample(n, generator=draws.seeded(0))
    with pytest.raises(TypeError, match=r"got generator=7, expected a torch.Generator; write draws.seeded\(7\)"):
        system.sample(2, generator=7)


@pytest.mark.parametrize("name", [name for name in able(CanSample) if name not in able(CanFit)])
@pytest.mark.parametrize("kind", [torch.float64, torch.float16], ids=["double", "half"])
def test_weights_of_another_type_work_or_are_refused_in_a_sentence(name: str, kind: torch.dtype) -> None:
    system: Any = SYSTEMS[name].build().eval().to(kind)
    try:
        x = system.sample(2, generator=draws.seeded(0)).x
    except TypeError as error:
        called = str(kind).removeprefix("torch.")
        assert re.match(rf"\w+System\.\w+: the weights are {called}, .*; call system\.float\(\)", str(error))
    else:
        assert x.dtype in (kind, torch.float32)


@pytest.mark.parametrize("name", able(HasEnergy))
def test_a_picture_of_another_type_works_or_is_refused_in_a_sentence(name: str) -> None:
    case = SYSTEMS[name]
    system: Any = case.build().eval()
    batch = case.dataset().train.batch(torch.arange(3))
    condition = () if case.condition is None else (batch[case.condition],)
    try:
        energy = system.energy(batch["x"].double(), *condition)
    except TypeError as error:
        assert re.match(r"\w+System\.\w+: the weights are float32, the input float64, .* and x\.float\(\)", str(error))
    else:
        assert energy.shape == (3,)


@pytest.mark.parametrize("name", able(HasEnergy))
def test_an_energy_is_a_number_of_each_example_alone(name: str) -> None:
    case = SYSTEMS[name]
    system = case.build().eval()
    assert isinstance(system, HasEnergy)
    batch = case.dataset().train.batch(torch.arange(6))
    x = batch["x"]
    whole, part = (() if case.condition is None else (batch[case.condition][rows],) for rows in (slice(6), slice(2, 4)))
    assert system.energy(x, *whole).shape == (6,)
    torch.testing.assert_close(system.energy(x, *whole)[2:4], system.energy(x[2:4], *part))


@pytest.mark.parametrize("name", able(HasChain))
def test_a_chain_is_traced_step_by_step_and_has_an_energy(name: str) -> None:
    case = SYSTEMS[name]
    system = case.build().eval()
    assert isinstance(system, HasChain)
    assert isinstance(system, HasEnergy)
    x = case.dataset().train.batch(torch.arange(6))["x"]
    seen: list[int] = []
    end = system.run_chain(x, 3, generator=draws.seeded(0), trace=lambda step, _: seen.append(step))
    assert end.x.shape == x.shape
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("name", [name for name, case in SYSTEMS.items() if not case.any_units])
def test_wrong_units_are_refused_with_a_sentence(name: str) -> None:
    case = SYSTEMS[name]
    # Of the spec alone: sounds cannot even be loaded in binary units.
    spec = replace(case.dataset().spec, units="signed" if case.config.units == "binary" else "binary")
    with pytest.raises(ValueError, match="units"):
        case.config.build(spec)


@pytest.mark.parametrize("name", ["score_norms_neighbours", "score_norms_mixture"])
def test_a_checkpoint_holds_what_the_averaged_weights_were_calibrated_to(name: str, trained: Trained) -> None:
    case = SYSTEMS[name]
    data = case.dataset().train
    x = data.batch(torch.arange(16))["x"]
    loaded, calibrated = case.build(), case.build()
    for system in (loaded, calibrated):
        assert isinstance(system, CanCalibrate) and isinstance(system, HasAnomalyScore)
        load_weights(trained(name).run_dir / "checkpoint", system)
    found = loaded.anomaly_score(x, generator=draws.seeded(0))
    calibrate(calibrated, EMA(calibrated, 0.0), data, seed=0, device=torch.device("cpu"))
    torch.testing.assert_close(calibrated.anomaly_score(x, generator=draws.seeded(0)), found, rtol=1e-3, atol=1e-3)
    few = load(f"{case.data}[:10]", units=case.config.units).train
    with pytest.raises(UserError, match="64 training examples, and there are"):
        calibrate(loaded, EMA(loaded, 0.0), few, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize("name", FITTED)
def test_a_fitted_system_follows_its_seed_and_is_kept(name: str, tmp_path: Path) -> None:
    """The same seed, the same numbers: whatever it can do is measured on two fits, and on a system that has loaded what
    the second one learned. Training examples as samples are kept by their data set alone."""
    case = SYSTEMS[name]
    x = case.dataset().test.batch(torch.arange(16))["x"]
    systems = [case.build() for _ in range(3)]
    for i, system in enumerate(systems[:2]):
        assert isinstance(system, CanFit)
        outcome = fit(system, case.dataset().train, report=Composed(), run_dir=tmp_path / str(i), seed=3)
        assert (outcome.kind, outcome.step) == ("completed", 1)
    if isinstance(systems[2], TrainingDataSystem):
        assert not has_checkpoint(tmp_path / "1" / "checkpoint")
        fit(systems[2], case.dataset().train, report=Composed(), run_dir=tmp_path / "2", seed=3)
    elif has_checkpoint(tmp_path / "1" / "checkpoint"):
        load_weights(tmp_path / "1" / "checkpoint", systems[2])
    seen = []
    for system in systems:
        found = []
        if isinstance(system, HasLogits):
            found.append(system.logits(x))
        if isinstance(system, HasFeatures):
            found.append(system.features(x))
        if isinstance(system, HasAnomalyScore):
            found.append(system.anomaly_score(x, generator=draws.seeded(0)))
        if isinstance(system, CanSample):
            found.append(system.sample(len(x), generator=draws.seeded(0)).x)
        seen.append(found)
    for one, two, loaded in zip(*seen, strict=True):
        assert len(one) == 16
        assert torch.equal(one, two) and torch.equal(one, loaded)
