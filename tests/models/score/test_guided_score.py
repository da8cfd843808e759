"""Score models whose samples are guided, the classifier of noisy data beside one, and conditional GANs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gibbsweep_models import capabilities as can
from gibbsweep_models.baselines.gan import GANConfig, GANSystem
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree, ClassifierGuidance, Guidance
from gibbsweep_models.nn.encoders.convnets import ConvEncoder
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.nn.noise_networks.noisy_classifier import NoisyClassifierConfig
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.objectives.classification.noisy_cross_entropy import NoisyCrossEntropy
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig, ScoreModelSystem
from gibbsweep_models.types import DataSpec

SHAPE = (1, 8, 8)
SPEC = DataSpec(SHAPE, n_classes=3)
LEVELS = EDMSchedule(sigma_min=0.05, sigma_max=5.0)


def scrambled(system: nn.Module) -> None:
    for parameter in system.parameters():
        nn.init.normal_(parameter, std=0.1, generator=seeded(0))


def model(guidance: Guidance | None, *, conditional: bool | None = None) -> ScoreModelSystem:
    conditional = isinstance(guidance, ClassifierFree) if conditional is None else conditional
    config = ScoreModelConfig(
        UNetConfig((8, 8)),
        sampler=Heun(4, LEVELS),
        conditional=conditional,
        guidance=guidance,
        classifier=NoisyClassifierConfig((8, 8), patch=2),
        batch_size=4,
    )
    built = config.build(SPEC)
    scrambled(built)
    return built.eval()


Y = torch.arange(6) % 3


def test_no_guidance_and_scale_nothing_are_the_same_samples() -> None:
    free, plain = model(ClassifierFree(2.0)), model(None, conditional=True)
    plain.load_state_dict(free.state_dict())
    assert isinstance(free, can.CanSampleGuided)
    still = free.sample_guided(Y, 0.0, generator=seeded(1))
    torch.testing.assert_close(still.x, plain.sample_classes(Y, generator=seeded(1)).x)
    own = free.sample_classes(Y, generator=seeded(1))
    torch.testing.assert_close(own.x, free.sample_guided(Y, 2.0, generator=seeded(1)).x)
    assert not torch.allclose(own.x, still.x)


def test_network_evaluations_are_counted_where_they_are_made() -> None:
    """Heun's 4 steps call the denoiser 7 times, which is twice as many evaluations where it guides, and none more where
    not."""
    assert model(None, conditional=True).sample(6, generator=seeded(1)).nfe == 7
    assert model(ClassifierFree(2.0)).sample(6, generator=seeded(1)).nfe == 14
    assert model(ClassifierGuidance(2.0)).sample(6, generator=seeded(1)).nfe == 14
    assert 7 < model(ClassifierFree(2.0, (0.2, 2.0))).sample(6, generator=seeded(1)).nfe < 14
    assert model(ClassifierFree(2.0)).sample_guided(Y, 0.0, generator=seeded(1)).nfe == 7


def test_a_classifier_guides_a_score_that_knows_no_class() -> None:
    built = model(ClassifierGuidance(3.0))
    assert [phase.name for phase in built.phases()] == ["denoiser", "classifier"]
    ours = {id(p) for phase in built.phases() for p in phase.parameters}
    assert ours == {id(p) for p in built.parameters()}
    one, two = (built.sample_classes(torch.full((4,), y), generator=seeded(1)).x for y in (0, 1))
    assert not torch.allclose(one, two)
    deaf = (built.sample_guided(torch.full((4,), y), 0.0, generator=seeded(1)).x for y in (0, 1))
    torch.testing.assert_close(next(deaf), next(deaf))
    assert all(p.grad is None for p in built.parameters())


@pytest.mark.parametrize("kind", ["free", "classifier"])
def test_classes_are_drawn_evenly_where_none_is_asked_for(kind: str) -> None:
    """Multinomial: each of three classes has n / 3 of n, with variance 2 n / 9."""
    built = model(ClassifierFree(1.0) if kind == "free" else ClassifierGuidance())
    n = 3000
    drawn = built._even(n, seeded(0))
    assert drawn is not None
    assert float((drawn.bincount(minlength=3) - n / 3).abs().max()) < 4 * math.sqrt(2 * n / 9)


def test_the_classifier_sees_what_the_denoiser_sees_and_an_uncertain_one_loses_log_k() -> None:
    built = model(ClassifierGuidance())
    assert isinstance(built, can.HasNoisyLogits) and built.classifier is not None
    nn.init.zeros_(built.classifier.readout.weight)
    nn.init.zeros_(built.classifier.readout.bias)
    batch = {"x": randn((6, *SHAPE), generator=seeded(0)), "y": Y}
    loss = NoisyCrossEntropy(LEVELS)(built, batch, generator=seeded(1))
    assert float(loss.total.detach()) == pytest.approx(math.log(3))
    with pytest.raises(ValueError, match="needs labels"):
        NoisyCrossEntropy()(built, {"x": batch["x"]}, generator=seeded(1))


@pytest.mark.parametrize(
    ("config", "spec", "match"),
    [
        (ScoreModelConfig(guidance=ClassifierFree()), SPEC, "compares with no class"),
        (ScoreModelConfig(guidance=ClassifierFree(), conditional=True, label_dropout=0.0), SPEC, "label_dropout=0.0"),
        (ScoreModelConfig(guidance=ClassifierGuidance()), DataSpec(SHAPE), "needs classes"),
        (ScoreModelConfig(guidance=ClassifierGuidance(), conditional=True), SPEC, "expected the same"),
        (
            ScoreModelConfig(VectorNetConfig(), guidance=ClassifierGuidance()),
            DataSpec((4,), n_classes=3),
            "classifier-free",
        ),
        (ScoreModelConfig(guidance=ClassifierGuidance(), classifier=NoisyClassifierConfig(patch=3)), SPEC, "patch=3"),
        (
            ScoreModelConfig(
                UNetConfig((8, 8)), guidance=ClassifierGuidance(), classifier=NoisyClassifierConfig((8,) * 5)
            ),
            SPEC,
            "fewer entries",
        ),
        (GANConfig(conditional=True), DataSpec(SHAPE), "needs classes"),
    ],
)
def test_refused_before_training(config: ScoreModelConfig | GANConfig, spec: DataSpec, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        config.build(spec)


def test_a_model_without_guidance_has_no_scale_and_no_classifier() -> None:
    plain = model(None)
    with pytest.raises(ValueError, match="no guidance"):
        plain.sample_guided(Y, 1.0, generator=seeded(0))
    with pytest.raises(ValueError, match="no classifier"):
        plain.noisy_logits(torch.zeros(2, *SHAPE), torch.ones(2))
    with pytest.raises(ValueError, match="knows no classes"):
        plain.sample_classes(Y, generator=seeded(0))


def conditional_gan() -> GANSystem:
    built = GANConfig(channels=(8, 8), latent_dim=4, conditional=True).build(SPEC)
    scrambled(built)
    return built


def test_a_projection_s_logit_is_an_unconditional_one_and_an_inner_product() -> None:
    built = conditional_gan()
    x, projection = randn((6, *SHAPE), generator=seeded(0)), built.discriminator
    encoder = projection.encoder
    assert isinstance(encoder, ConvEncoder)
    phi = encoder.represent(x)
    torch.testing.assert_close(encoder(x), encoder.readout(phi))
    expected = encoder(x).squeeze(1) + (projection.of_class.weight[Y] * phi).sum(dim=1)
    torch.testing.assert_close(built.discriminate(x, Y), expected)
    nn.init.zeros_(projection.of_class.weight)
    torch.testing.assert_close(built.discriminate(x, Y), built.discriminate(x, (Y + 1) % 3))


def test_a_conditional_gan_draws_what_it_is_asked_for() -> None:
    built = conditional_gan()
    assert isinstance(built, can.CanSampleClasses)
    same = built.sample_classes(Y, generator=seeded(1)).x
    assert torch.equal(same, built.sample_classes(Y, generator=seeded(1)).x)
    other = built.sample_classes((Y + 1) % 3, generator=seeded(1)).x
    assert not torch.allclose(same, other) and float(same.abs().max()) <= 1
    with pytest.raises(ValueError, match="cond=None"):
        built.generate(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="conditional=False"):
        GANConfig(channels=(8, 8)).build(SPEC).sample_classes(Y, generator=seeded(0))
    with pytest.raises(ValueError, match="without a class"):
        built.inpaint(same, torch.ones_like(same, dtype=torch.bool), generator=seeded(0))
    (discriminator, _) = built.phases()
    with pytest.raises(ValueError, match="needs labels"):
        discriminator.objective(built, {"x": same}, generator=seeded(0))
