"""Two workers equal one: the mean of two shards' gradients is the gradient of the whole batch, for every phase."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.types import Batch, DataSpec, Phase, System, SystemConfig

CONFIGS: list[SystemConfig] = [
    ScoreModelConfig(UNetConfig((8, 8))),
    ScoreModelConfig(UNetConfig((8, 8)), conditional=True, label_dropout=0.5),
    GANConfig(channels=(8, 8)),
    GANConfig(channels=(8, 8), loss="wasserstein", r1=0.0, gradient_penalty=10.0),
    VAEConfig(channels=(8, 8)),
    VAEConfig(channels=(8, 8), units="binary"),
    AutoencoderConfig(channels=(8, 8), sigma=0.3),
    AutoencoderConfig(channels=(8, 8), units="binary"),
]


def gradient(system: System, phase: Phase, batch: Batch, generator: torch.Generator) -> Tensor:
    for parameter in phase.parameters:
        parameter.grad = None
    torch.autograd.backward(phase.objective(system, batch, generator=generator).total)
    return torch.cat([p.grad.flatten() for p in phase.parameters if p.grad is not None])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{type(config).__name__}-{config.units}")
def test_shards_average_to_the_whole_batch(config: SystemConfig) -> None:
    weights = torch.Generator().manual_seed(0)
    system = config.build(DataSpec((1, 8, 8), config.units, n_classes=10))
    for parameter in system.parameters():
        nn.init.normal_(parameter, std=0.1, generator=weights)
    x = torch.rand(8, 1, 8, 8, generator=weights)
    batch = {"x": (x > 0.5).float() if config.units == "binary" else 2 * x - 1, "y": torch.arange(8)}
    for phase in system.phases():
        whole = gradient(system, phase, batch, seeded(5))
        shards = [
            gradient(system, phase, {k: v.chunk(2)[rank] for k, v in batch.items()}, seeded(5, rank=rank, world_size=2))
            for rank in range(2)
        ]
        assert not torch.allclose(shards[0], shards[1], rtol=1e-2)
        tolerance = 1e-5 * float(whole.abs().max())
        torch.testing.assert_close(0.5 * (shards[0] + shards[1]), whole, rtol=1e-4, atol=tolerance)
