"""The score model in all its variants: what it is trained on, how it samples, what it refuses; and a generator for each
example."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models import capabilities as can
from gibbsweep_models import draws
from gibbsweep_models.draws import ExampleGenerator, each, randn, seeded
from gibbsweep_models.likelihood.probability_flow import dequantised
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.in_parts import StartingSampler, sample_in_parts
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin
from gibbsweep_models.score.score_model import ScoreModelConfig, ScoreModelSystem
from gibbsweep_models.types import DataSpec

SHAPE = (1, 8, 8)
SPEC = DataSpec(SHAPE, n_classes=10)
SMALL = UNetConfig((8, 8))


def system(config: ScoreModelConfig, spec: DataSpec = SPEC, *, scrambled: bool = True) -> ScoreModelSystem:
    torch.manual_seed(0)
    built = config.build(spec)
    if scrambled:  # a new network returns zero
        for parameter in built.parameters():
            nn.init.normal_(parameter, std=0.1)
    return built.eval()


@pytest.mark.parametrize("config", [ScoreModelConfig.ve(), ScoreModelConfig.vp(), ScoreModelConfig.ddpm()])
def test_a_new_network_predicts_no_noise_and_has_loss_one(config: ScoreModelConfig) -> None:
    """eps and score are 0, so the error of the noise is E|n|² / dim = 1 whatever the levels."""
    built = system(replace(config, network=SMALL), scrambled=False)
    x = randn((256, *SHAPE), generator=seeded(0))
    (phase,) = built.phases()
    loss = phase.objective(built, {"x": x}, generator=seeded(1))
    assert float(loss.total.detach()) == pytest.approx(1.0, abs=4 * math.sqrt(2 / x.numel()))


def test_the_bound_is_trained_on_dequantised_bytes_and_measured_in_bits() -> None:
    built = system(replace(ScoreModelConfig.vp(), network=SMALL, weight="vlb"), scrambled=False)
    x = torch.randint(256, (64, *SHAPE), generator=torch.Generator().manual_seed(0)) / 127.5 - 1
    (phase,) = built.phases()
    loss = phase.objective(built, {"x": x}, generator=seeded(1))
    generator = seeded(1)
    spread = dequantised(x, generator=generator)
    by_hand = VariationalBound(built.config.schedule)(built, {"x": spread}, generator=generator)
    assert isinstance(built, can.HasVariationalBound)
    assert set(loss.parts) == set(built.variational_bits(x, generator=seeded(1))) == set(by_hand.parts)
    assert float(loss.total.detach()) == float(by_hand.total.detach())
    with pytest.raises(ValueError, match="one of them"):
        VariationalBound(bins=256, dequantise=256)


def test_the_density_of_a_new_network_is_that_of_its_preconditioning() -> None:
    """EDM's D is c_skip x where F is zero: the exact denoiser of N(0, sigma_data²), whose density at level s is N(0,
    sigma_data² + s²)."""
    schedule = EDMSchedule(sigma_min=0.01, sigma_max=500.0)
    built = system(
        ScoreModelConfig(VectorNetConfig(8, 1), schedule=schedule, tolerance=1e-5), DataSpec((6,)), scrambled=False
    )
    x = 0.5 * randn((20, 6), generator=seeded(0))
    found = built.density(x, generator=seeded(1))
    assert isinstance(built, can.HasDensity)
    expected = torch.distributions.Normal(0.0, math.hypot(0.5, 0.01)).log_prob(x).sum(dim=1)
    torch.testing.assert_close(found.log_prob, expected, atol=2e-3, rtol=0)
    assert 0 < found.nfe < 500


@pytest.mark.parametrize(
    "sampler",
    [
        AnnealedLangevin(3, 2, schedule=GeometricSchedule(0.01, 1.0)),
        PredictorCorrector(3, schedule=GeometricSchedule(0.01, 1.0)),
        Ancestral(3, GeometricSchedule(0.01, 1.0)),
        Euler(3, GeometricSchedule(0.01, 1.0)),
        Heun(3, GeometricSchedule(0.01, 1.0), s_churn=1.0),
        ProbabilityFlow(schedule=GeometricSchedule(0.01, 1.0), rtol=1e-2, atol=1e-2),
        ScoreLangevin(3, 1e-5, 0.01),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_samples_do_not_depend_on_the_size_of_their_parts(sampler: StartingSampler) -> None:
    mixture = GaussianMixture(torch.tensor([[0.5, 0.5, 0.0], [-0.5, 0.0, 1.0]]), stds=0.2)
    whole = sample_in_parts(sampler, mixture, 7, (3,), generator=seeded(3))
    parts = sample_in_parts(sampler, mixture, 7, (3,), generator=seeded(3), batch_size=3)
    torch.testing.assert_close(parts.x, whole.x, atol=1e-5, rtol=1e-5)
    assert parts.nfe == whole.nfe
    assert {name: value.shape for name, value in parts.info.items()} == {n: v.shape for n, v in whole.info.items()}
    more = sample_in_parts(sampler, mixture, 9, (3,), generator=seeded(3))
    torch.testing.assert_close(more.x[:7], whole.x, atol=1e-5, rtol=1e-5)


def test_every_example_has_its_own_numbers() -> None:
    seeds = each(4, generator=seeded(0))
    assert len(set(seeds.tolist())) == 4
    whole = randn((4, 1000), generator=ExampleGenerator(seeds))
    torch.testing.assert_close(whole[2:], randn((2, 1000), generator=ExampleGenerator(seeds[2:])), rtol=0, atol=0)
    assert float(whole.mean()) == pytest.approx(0, abs=4 / math.sqrt(4000))
    assert float(torch.corrcoef(whole)[0, 1]) == pytest.approx(0, abs=4 / math.sqrt(1000))
    uniform = draws.rand((4, 1000), generator=ExampleGenerator(seeds))
    assert 0 <= float(uniform.min()) and float(uniform.max()) < 1
    whole_numbers = draws.randint(3, (4, 100), generator=ExampleGenerator(seeds))
    assert set(whole_numbers.flatten().tolist()) == {0, 1, 2}
    coins = draws.bernoulli(torch.full((4, 4000), 0.3), generator=ExampleGenerator(seeds))
    assert float(coins.mean()) == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 16_000))
    x = torch.zeros(4, 2, 3, 3).to(memory_format=torch.channels_last)
    assert draws.randn_like(x, generator=ExampleGenerator(seeds)).is_contiguous(memory_format=torch.channels_last)
    with pytest.raises(ValueError, match="a generator each"):
        randn((3, 2), generator=ExampleGenerator(seeds))
    with pytest.raises(ValueError, match="batch_size=0"):
        sample_in_parts(Heun(2), GaussianMixture(torch.zeros(1, 2)), 2, (2,), generator=seeded(0), batch_size=0)


def test_classes_are_drawn_evenly_or_chosen() -> None:
    built = system(ScoreModelConfig(SMALL, sampler=Heun(2), conditional=True))
    seen: list[Tensor | None] = []
    network = built.denoiser.network
    handle = network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[2]))
    built.sample(200, generator=seeded(0))
    handle.remove()
    assert seen[0] is not None and len(seen[0].unique()) == 10
    assert isinstance(built, can.CanSampleClasses)
    threes = built.sample_classes(torch.full((3,), 3), generator=seeded(1)).x
    fours = built.sample_classes(torch.full((3,), 4), generator=seeded(1)).x
    assert threes.shape == (3, *SHAPE) and not torch.equal(threes, fours)


def test_the_steps_of_its_sampler_can_be_changed_without_training() -> None:
    built = system(ScoreModelConfig(SMALL, sampler=Heun(4)))
    assert isinstance(built, can.CanSampleInSteps)
    assert built.sample_in(2, 7, generator=seeded(0)).nfe == 13
    assert torch.equal(built.sample_in(2, 4, generator=seeded(0)).x, built.sample(2, generator=seeded(0)).x)
    adaptive = system(replace(built.config, sampler=ProbabilityFlow()))
    with pytest.raises(TypeError, match="adaptive"):
        adaptive.sample_in(2, 7, generator=seeded(0))


def test_what_is_unlike_the_data_has_a_high_score() -> None:
    """Where F is zero, data of N(0, sigma_data²) leaves the error 1, and x² outside of it more."""
    built = system(ScoreModelConfig(SMALL), scrambled=False)
    usual = 0.5 * randn((500, *SHAPE), generator=seeded(0))
    scores = built.anomaly_score(usual, generator=seeded(1))
    assert isinstance(built, can.HasAnomalyScore)
    assert float(scores.mean()) == pytest.approx(1, abs=0.02)
    assert float(built.anomaly_score(3 * usual, generator=seeded(1)).mean()) > 2


def test_vectors_of_any_shape() -> None:
    built = system(
        ScoreModelConfig(VectorNetConfig(16, 2), sampler=Heun(2), conditional=True), DataSpec((2, 3), n_classes=4)
    )
    assert built.sample(5, generator=seeded(0)).x.shape == (5, 2, 3)
    with pytest.raises(ValueError, match=r"expected \(B, 2, 3\)"):
        built.denoise(torch.zeros(2, 3, 2), torch.ones(2), generator=seeded(0))
    plain = system(ScoreModelConfig(VectorNetConfig(16, 1)), DataSpec((2,)))
    with pytest.raises(ValueError, match="unconditional"):
        plain.sample(2, generator=seeded(0), cond=torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="one layer"):
        VectorNetConfig(16, 0).build((2,))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (ScoreModelConfig(schedule=GeometricSchedule(0.1, 1.0)), "levels that are trained, 0.1 to 1"),
        (
            ScoreModelConfig(schedule=EDMSchedule(p_mean=0.2, p_std=1.0), predicts="x0"),
            "training draws, 0.014 and more",
        ),
        (ScoreModelConfig(schedule=NCSNLadder(), sampler=ScoreLangevin(sigma=0.001)), "levels that are trained"),
        (ScoreModelConfig(weight="vlb", conditional=True), "without classes"),
        (ScoreModelConfig(VectorNetConfig(), weight="likelihood", schedule=EDMSchedule(p_std=0.0)), "likelihood"),
    ],
)
def test_what_cannot_be_is_refused_before_training(config: ScoreModelConfig, says: str) -> None:
    if config.weight == "likelihood":
        built = config.build(SPEC)
        with pytest.raises(ValueError, match="no density"):
            built.phases()[0].objective(built, {"x": torch.zeros(2, *SHAPE)}, generator=seeded(0))
        return
    with pytest.raises(ValueError, match=says):
        config.build(SPEC)
