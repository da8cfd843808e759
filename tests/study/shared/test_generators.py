"""The GANs and VAEs that studies of samples compare with."""

from __future__ import annotations

import pytest

from gibbsweep import Budget, Choice, Contender
from gibbsweep.study.shared import gan, solid_baselines, vae, wgan_gp
from gibbsweep.study.space import field_at, with_values

BUDGETS = {"laptop": Budget(10, 4, 5)}
OTHERS = {"laptop": Budget(20, 4, 5)}
SOLIDS = solid_baselines((4, 8), gan=BUDGETS, vae=OTHERS)
IMAGES = {"gan": gan(2e-3, BUDGETS), "wgan_gp": wgan_gp(BUDGETS), "vae": vae(16, Choice(8, 16), large=32)}


@pytest.mark.parametrize(
    ("contender", "latent_dim"),
    [
        (IMAGES["gan"], 64),
        (IMAGES["wgan_gp"], 64),
        (IMAGES["vae"], 32),
        (SOLIDS["gan"], 200),
        (SOLIDS["vae"], 100),
    ],
)
def test_both_budgets_of_a_gpu_have_the_wide_network(contender: Contender, latent_dim: int) -> None:
    large = with_values(contender.config, {"channels": (64, 128, 256), "latent_dim": latent_dim, "ema_decay": 0.999})
    assert [with_values(contender.config, contender.by_budget[name]) for name in ("gpu", "paper")] == [large, large]
    assert not {"laptop", "long"} & set(contender.by_budget)


@pytest.mark.parametrize("contender", [*IMAGES.values(), *SOLIDS.values()])
def test_an_untuned_configuration_is_one_that_the_search_could_try(contender: Contender) -> None:
    for path, domain in contender.space.items():
        value = field_at(contender.config, path)
        assert value in domain.options if isinstance(domain, Choice) else domain.low <= value <= domain.high, path


def test_each_solid_generator_trains_as_long_as_it_is_told_on_the_same_channels() -> None:
    assert [contender.budgets for contender in SOLIDS.values()] == [BUDGETS, OTHERS]
    assert [field_at(contender.config, "channels") for contender in SOLIDS.values()] == [(4, 8), (4, 8)]
    assert [contender.by_budget["smoke"] for contender in SOLIDS.values()] == [{"channels": (8, 8)}] * 2


def test_a_vae_of_images_trains_as_long_as_its_study_says_and_searches_the_dimensions_given() -> None:
    assert IMAGES["vae"].budgets is None
    assert IMAGES["vae"].space["latent_dim"] == Choice(8, 16)
    assert field_at(IMAGES["gan"].config, "generator_learning_rate") == 2e-3
