"""Every objective with a model it fits. Adding an objective is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gibbsweep_models import parallel
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.baselines.simclr import SimCLRConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig
from gibbsweep_models.energy.pair_ebm import PairEBMConfig
from gibbsweep_models.energy.two_view_ebm import TwoViewEBMConfig
from gibbsweep_models.nn.denoisers.guidance import ClassifierGuidance
from gibbsweep_models.nn.energies.gaussian_rbm import GaussianRBM
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.nn.noise_networks.noisy_classifier import NoisyClassifierConfig
from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.noise.vp import CosineSchedule, VPSchedule
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_kl import LangevinKL
from gibbsweep_models.objectives.cd.on_manifold_cd import OnManifoldCD
from gibbsweep_models.objectives.cd.rbm_cd import RBMContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.objectives.classification.info_nce import InfoNCE
from gibbsweep_models.objectives.classification.noisy_cross_entropy import NoisyCrossEntropy
from gibbsweep_models.objectives.classification.pairs import CLIPLoss, JointCD
from gibbsweep_models.objectives.classification.two_view_energy import TwoViewEnergy
from gibbsweep_models.objectives.composed.every_nth import EveryNth
from gibbsweep_models.objectives.composed.shifted import Shifted
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum
from gibbsweep_models.objectives.flow_matching.contrast import WarmContrast
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.objectives.generation.elbo import ELBO
from gibbsweep_models.objectives.generation.gan import DiscriminatorLoss, GeneratorLoss
from gibbsweep_models.objectives.generation.inpainting import CompletionDiscrimination, MaskedReconstruction
from gibbsweep_models.objectives.generation.reconstruction import Reconstruction
from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.objectives.score_matching.explicit_implicit import ExplicitScoreMatching, ImplicitScoreMatching
from gibbsweep_models.objectives.score_matching.holes import HoleScoreMatching
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.samplers.mcmc.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.types import Batch, DataSpec, Loss, Objective, System, SystemConfig, Units

SHAPE = (1, 8, 8)
BATCH = 8
CAPTIONS = torch.tensor([[2, 3, 0], [3, 2, 0], [4, 5, 6], [2, 3, 0], [5, 0, 0], [6, 4, 2], [7, 7, 0], [1, 2, 3]])
"""Two examples share one; every caption and its padding is seen by every case that looks."""


@dataclass(frozen=True)
class ObjectiveCase:
    """``trains``: the part of the model whose parameters follow the objective, by attribute; "" for all of it.
    ``draws``: whether it uses its generator. ``unseen``: parameters of which the loss is no function."""

    model: Callable[[], nn.Module]
    objective: Callable[[], Objective]
    units: Units = "signed"
    trains: str = ""
    draws: bool = True
    unseen: tuple[str, ...] = ()

    def build(self) -> tuple[nn.Module, Objective]:
        """The model with weights of its own seed, and the objective in its first state."""
        model = self.model()
        weights = seeded(0)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.1, generator=weights)
        return model, self.objective()

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return list(model.get_submodule(self.trains).parameters())

    def batch(self) -> dict[str, Tensor]:
        x = torch.rand(BATCH, *SHAPE, generator=seeded(1))
        return {
            "x": (x > 0.5).float() if self.units == "binary" else 2 * x - 1,
            "y": torch.arange(BATCH),
            "text": CAPTIONS,
        }


def system(config: SystemConfig) -> Callable[[], System]:
    return lambda: config.build(DataSpec(SHAPE, config.units, 10, vocabulary_size=8, text_length=3))


def energy() -> MLPEnergy:
    return MLPEnergy(SHAPE, (16,))


def score_network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.SiLU(), nn.Linear(16, 64), nn.Unflatten(1, SHAPE))


def machine(centred: bool) -> Callable[[], RBM]:
    return lambda: RBM(64, 12, centred=centred)


def gaussian_machine() -> GaussianRBM:
    return GaussianRBM(SHAPE, 12)


LANGEVIN = Langevin(4, 0.02, clamp=(-1.0, 1.0))
WARMING = WarmingLangevin(4, 0.2, 0.3, warm_from=0.4)
EDM = system(ScoreModelConfig(UNetConfig((8, 8))))
CLASSES = system(ScoreModelConfig(UNetConfig((8, 8)), conditional=True))
NOISY = system(
    ScoreModelConfig(UNetConfig((8, 8)), guidance=ClassifierGuidance(), classifier=NoisyClassifierConfig((8, 8)))
)
GAN = system(GANConfig(channels=(8, 8)))
CONDITIONAL_GAN = system(GANConfig(channels=(8, 8), conditional=True))
VAE = system(VAEConfig(channels=(8, 8)))
DSM = system(DSMEnergyConfig((8, 8)))
INPAINTER = system(MaskedAutoencoderConfig((8, 8), adversarial=0.1, critic_channels=(8, 8)))
BINARY_VAE = system(VAEConfig(units="binary", channels=(8, 8)))
CLASSIFIER = system(FeatureClassifierConfig(channels=(8, 8), n_features=16))
SIMCLR = system(SimCLRConfig((8, 8), 16, 8))
TWO_VIEWS = system(TwoViewEBMConfig((8, 8), 16, 8))
PAIRS = system(PairEBMConfig("mlp", (8, 8), 8, 8))
CLIP = system(CLIPConfig((8, 8), 8, 8))
AUTOENCODER = system(AutoencoderConfig(channels=(8, 8)))
NAE = system(NormalizedAutoencoderConfig(latent_dim=4, hidden=(16,)))
BINARY_AUTOENCODER = system(AutoencoderConfig(units="binary", channels=(8, 8)))

OBJECTIVES: dict[str, ObjectiveCase] = {
    "cd": ObjectiveCase(energy, lambda: ContrastiveDivergence(LANGEVIN)),
    "cd_noise": ObjectiveCase(
        energy, lambda: ContrastiveDivergence(LANGEVIN, l2=0.1, data_noise=0.1, clamp=(-1.0, 1.0))
    ),
    "pcd": ObjectiveCase(energy, lambda: ContrastiveDivergence(LANGEVIN, ReplayBuffer(24, SHAPE, 0.2))),
    "cd_from_noise": ObjectiveCase(energy, lambda: ContrastiveDivergence(LANGEVIN, from_noise=True)),
    "gaussian_rbm_cd": ObjectiveCase(gaussian_machine, lambda: ContrastiveDivergence(GaussianGibbs(2))),
    "gaussian_rbm_cd_from_noise": ObjectiveCase(
        gaussian_machine, lambda: ContrastiveDivergence(GibbsLangevin(2), from_noise=True)
    ),
    "shifted": ObjectiveCase(energy, lambda: Shifted(ContrastiveDivergence(LANGEVIN), 1)),
    "transformed": ObjectiveCase(energy, lambda: Transformed(ContrastiveDivergence(LANGEVIN), torch.tanh)),
    "cross_entropy_noise": ObjectiveCase(CLASSIFIER, lambda: CrossEntropy(0.3, clamp=(-1.0, 1.0))),
    "every_second": ObjectiveCase(
        energy, lambda: EveryNth(ContrastiveDivergence(LANGEVIN, ReplayBuffer(24, SHAPE, 0.2)), 2)
    ),
    "pcd_improved": ObjectiveCase(
        energy,
        lambda: ContrastiveDivergence(
            LANGEVIN, ReplayBuffer(24, SHAPE, 0.2, shift=1), kl=(0.3, LangevinKL(LANGEVIN, entropy=0.1))
        ),
    ),
    "dsm_energy": ObjectiveCase(energy, lambda: DenoisingScoreMatching(0.3)),
    "dsm_weighted": ObjectiveCase(energy, lambda: DenoisingScoreMatching(0.3, weighted=True)),
    "dsm_score": ObjectiveCase(score_network, lambda: DenoisingScoreMatching(0.3, of="score")),
    "gradient_matching": ObjectiveCase(energy, GradientMatching),
    "gradient_matching_at_rest": ObjectiveCase(
        energy, lambda: GradientMatching(pairs="independent", scale=4.0, rest=0.2)
    ),
    "gradient_matching_field": ObjectiveCase(score_network, lambda: GradientMatching("field")),
    "warm_contrast": ObjectiveCase(energy, lambda: WarmContrast(WARMING)),
    "warm_contrast_margin": ObjectiveCase(energy, lambda: WarmContrast(WARMING, margin=0.5)),
    "edm": ObjectiveCase(EDM, DenoisingLoss),
    "denoising_sigma2": ObjectiveCase(EDM, lambda: DenoisingLoss(NCSNLadder(), weight="sigma2")),
    "denoising_likelihood": ObjectiveCase(EDM, lambda: DenoisingLoss(VPSchedule(), weight="likelihood")),
    "denoising_hybrid": ObjectiveCase(EDM, lambda: DenoisingLoss(CosineSchedule(), weight="hybrid")),
    "denoising_unit": ObjectiveCase(EDM, lambda: DenoisingLoss(GeometricSchedule(0.5, 5.0), weight="unit")),
    "variational_bound": ObjectiveCase(EDM, VariationalBound),
    "explicit": ObjectiveCase(score_network, lambda: ExplicitScoreMatching(torch.neg, 0.3)),
    "implicit": ObjectiveCase(score_network, lambda: ImplicitScoreMatching(0.3)),
    "implicit_sliced": ObjectiveCase(score_network, lambda: ImplicitScoreMatching(n_slices=2)),
    "implicit_energy": ObjectiveCase(energy, lambda: ImplicitScoreMatching(n_slices=1, of="energy")),
    "edm_classes": ObjectiveCase(CLASSES, lambda: DenoisingLoss(n_classes=10, label_dropout=0.5)),
    "edm_of_energy": ObjectiveCase(DSM, DenoisingLoss),
    "hole_score_matching": ObjectiveCase(system(HoleEnergyConfig((8, 8))), HoleScoreMatching),
    "masked": ObjectiveCase(INPAINTER, MaskedReconstruction, trains="network"),
    "masked_adversarial": ObjectiveCase(INPAINTER, lambda: MaskedReconstruction(adversarial=0.1), trains="network"),
    "completion": ObjectiveCase(INPAINTER, CompletionDiscrimination, trains="critic"),
    "elbo": ObjectiveCase(VAE, ELBO),
    "elbo_binary": ObjectiveCase(BINARY_VAE, lambda: ELBO(beta=0.5), "binary"),
    "discriminator": ObjectiveCase(GAN, lambda: DiscriminatorLoss(r1=0.5), trains="discriminator"),
    "critic": ObjectiveCase(
        GAN,
        lambda: DiscriminatorLoss("wasserstein", gradient_penalty=10.0),
        trains="discriminator",
        unseen=("readout.bias",),  # a constant cancels in a difference
    ),
    "generator": ObjectiveCase(GAN, GeneratorLoss, trains="generator"),
    "generator_wasserstein": ObjectiveCase(GAN, lambda: GeneratorLoss("wasserstein"), trains="generator"),
    "discriminator_conditional": ObjectiveCase(
        CONDITIONAL_GAN, lambda: DiscriminatorLoss(r1=0.5, conditional=True), trains="discriminator"
    ),
    "generator_conditional": ObjectiveCase(
        CONDITIONAL_GAN, lambda: GeneratorLoss(conditional=True), trains="generator"
    ),
    "noisy_cross_entropy": ObjectiveCase(NOISY, NoisyCrossEntropy, trains="classifier"),
    "rbm_cd": ObjectiveCase(machine(False), lambda: RBMContrastiveDivergence(64, k=2), "binary"),
    "rbm_cd_centred": ObjectiveCase(
        machine(True), lambda: RBMContrastiveDivergence(64, weight_decay=0.1, offset_rate=0.2), "binary"
    ),
    "rbm_pcd": ObjectiveCase(machine(True), lambda: RBMContrastiveDivergence(64, persistent=True), "binary"),
    "cross_entropy": ObjectiveCase(CLASSIFIER, CrossEntropy, draws=False),
    "on_manifold_cd": ObjectiveCase(
        NAE, lambda: OnManifoldCD(Langevin(2, 0.02), LANGEVIN, ReplayBuffer(24, (4,), 0.2), l2=0.5)
    ),
    "info_nce": ObjectiveCase(SIMCLR, InfoNCE),
    "two_views": ObjectiveCase(
        TWO_VIEWS,
        lambda: TwoViewEnergy(
            ContrastiveDivergence(LANGEVIN, ReplayBuffer(24, SHAPE, 0.2)), 0.2, 0.5, Augmentation(), every=2
        ),
    ),
    "clip": ObjectiveCase(CLIP, lambda: CLIPLoss(Augmentation())),
    "joint_cd": ObjectiveCase(
        PAIRS, lambda: JointCD(ContrastiveDivergence(LANGEVIN, condition="text"), 0.5, Augmentation(), every=2)
    ),
    "joint_pcd": ObjectiveCase(
        PAIRS,
        lambda: JointCD(
            ContrastiveDivergence(LANGEVIN, ReplayBuffer(24, SHAPE, 0.2, condition_shape=(3,)), condition="text"), 0.5
        ),
    ),
    "reconstruction": ObjectiveCase(AUTOENCODER, Reconstruction, draws=False),
    "reconstruction_denoising": ObjectiveCase(AUTOENCODER, lambda: Reconstruction(sigma=0.3)),
    "weighted_sum": ObjectiveCase(
        energy,
        lambda: WeightedSum(
            {
                "cd": (0.3, ContrastiveDivergence(LANGEVIN, ReplayBuffer(24, SHAPE, 0.2))),
                "dsm": (2.0, DenoisingScoreMatching(0.3)),
            }
        ),
    ),
    "reconstruction_binary": ObjectiveCase(BINARY_AUTOENCODER, lambda: Reconstruction("binary"), "binary", draws=False),
}


def gradient(case: ObjectiveCase, model: nn.Module, loss: Loss) -> Tensor:
    """That of the trained parameters, as one vector; it is left in ``grad`` as well."""
    parameters = case.parameters(model)
    for parameter in model.parameters():
        parameter.grad = None
    torch.autograd.backward(loss.total)
    parallel.average_gradients(parameters)
    return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])


def two_updates(case: ObjectiveCase, batch: Batch, rank: int = 0, world_size: int = 1) -> dict[str, Any]:
    """Loss and gradient of two calls (the second sees what state the first left), and the states at the end."""
    model, objective = case.build()
    losses, gradients = [], []
    for step in range(2):
        loss = objective(model, batch, generator=seeded(5, step, rank=rank, world_size=world_size))
        gradients.append(gradient(case, model, loss))
        losses.append(parallel.all_mean(loss.total.detach()))
    state = objective.state_dict() if isinstance(objective, nn.Module) else {}
    buffers = dict(model.named_buffers())
    return {"losses": losses, "gradients": gradients, "state": {**state, **buffers}}


def work(rank: int, folder: Path) -> None:
    """One of two workers: its half of every case's batch; the first worker writes down what they agreed on."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {}
    for name, case in OBJECTIVES.items():
        share = {key: value.chunk(2)[rank] for key, value in case.batch().items()}
        results[name] = two_updates(case, share, rank=rank, world_size=2)
    torch.save(results, folder / f"{rank}.pt")
    dist.destroy_process_group()
