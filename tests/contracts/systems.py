"""Every system, small, with what the loop's contract suites need to train it. Adding a system is one line."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from safetensors.torch import save

from gibbsweep.data import Dataset, load
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.classical_denoising import ClassicalDenoiserConfig
from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.baselines.denoising_autoencoder import DenoisingAutoencoderConfig
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.baselines.pixels import KMeansConfig, PCAConfig
from gibbsweep_models.baselines.references import NoiseConfig, TrainingDataConfig
from gibbsweep_models.baselines.simclr import SimCLRConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.bases.denoiser_anomaly import BoundOfLikelihood, ScoreNorms
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.class_rbm import ClassRBMConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.encoder_ebm import EncoderEBMConfig
from gibbsweep_models.energy.energy_form import EnergyFormConfig
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.energy.gaussian_rbm import Convolutional, Dense, GaussianRBMConfig
from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig
from gibbsweep_models.energy.pair_ebm import PairEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.energy.two_view_ebm import TwoViewEBMConfig
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree, ClassifierGuidance
from gibbsweep_models.nn.detectors.mixture import Mixture
from gibbsweep_models.nn.detectors.neighbours import Neighbours
from gibbsweep_models.nn.energies.class_energies import ConvConfig, MLPConfig, PrototypeConfig
from gibbsweep_models.nn.energies.named import NamedClassEnergiesConfig, NamedEnergyConfig
from gibbsweep_models.nn.energies.potential import PotentialConfig
from gibbsweep_models.nn.noise_networks.configs import DilatedNetConfig, UNetConfig, VectorNetConfig
from gibbsweep_models.nn.noise_networks.noisy_classifier import NoisyClassifierConfig
from gibbsweep_models.nn.weights_file import WeightsFile
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.flow_matching.contrast import WarmContrast
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.samplers.mcmc.nesterov import NesterovDescent
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.score.banded_waveform import BandedWaveformConfig
from gibbsweep_models.score.fitted_score import FittedScoreConfig
from gibbsweep_models.score.ncsn import NCSNConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.score.stored_score import StoredScoreConfig
from gibbsweep_models.score.trained_score import TrainedScoreConfig
from gibbsweep_models.score.voxels import VoxelScoreConfig
from gibbsweep_models.score.waveform import WaveformScoreConfig
from gibbsweep_models.types import DataSpec, System, SystemConfig, Units


@dataclass(frozen=True)
class SystemCase:
    """A configuration of a system, and what the contract suites have to know of it."""

    config: SystemConfig
    data: str = "digits"
    """A bundled set that it trains on."""
    any_units: bool = False
    """Whether it follows the units of its data instead of refusing the others."""
    condition: str | None = None
    """What its energy is given of a batch beside the examples."""

    def dataset(self) -> Dataset:
        """The same object at each call: nothing writes to a data set."""
        return _dataset(self.data, self.config.units)

    def build(self) -> System:
        """The system with weights of one seed."""
        torch.manual_seed(0)
        return self.config.build(self.dataset().spec)


@cache
def _dataset(data: str, units: Units) -> Dataset:
    return load(data, units=units)


SMALL_UNET = UNetConfig((8, 8))
SHORT_CD = CLASS_CD = LangevinCD(n_steps=3, replay_size=128)

_FILES = tempfile.TemporaryDirectory()


def stored_network() -> TrainedScoreConfig:
    """A network of digits whose weights are in a file."""
    config = ScoreModelConfig(SMALL_UNET)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        content = save(config.build(DataSpec((1, 8, 8))).state_dict())
    path = Path(_FILES.name) / "weights.safetensors"
    path.write_bytes(content)
    weights = WeightsFile(str(path), hashlib.sha256(content).hexdigest())
    return TrainedScoreConfig(config, weights, DenoiserSamplerConfig("heun", 5))


FEW_STEPS = 16
"""Of a chain from noise to samples: how long it is makes no difference to a contract."""


def _sampling_briefly(case: SystemCase) -> SystemCase:
    config: Any = case.config
    if getattr(config, "sample_steps", 0) > FEW_STEPS:
        return replace(case, config=replace(config, sample_steps=FEW_STEPS))
    return case


_CASES: dict[str, SystemCase] = {
    "rbm": SystemCase(RBMConfig(n_hidden=16, k=1, momentum=0.5)),
    "rbm_pcd": SystemCase(RBMConfig(n_hidden=16, k=2, persistent=True, centred=False)),
    "gaussian_rbm": SystemCase(GaussianRBMConfig(Dense(16), k=2, momentum=0.5)),
    "gaussian_rbm_without_tears": SystemCase(
        GaussianRBMConfig(Dense(16), chain="gibbs_langevin", start="noise", coordinates="white")
    ),
    "conv_rbm": SystemCase(GaussianRBMConfig(Convolutional(6, 4, 2), coordinates="white", learn_variance=False)),
    "conv_ebm": SystemCase(ConvEBMConfig(channels=(8, 8), cd=LangevinCD(n_steps=3, replay_size=128))),
    "conv_ebm_improved": SystemCase(
        ConvEBMConfig(channels=(8, 8), cd=LangevinCD(n_steps=3, replay_size=128, kl=0.3, entropy=0.1, replay_shift=1))
    ),
    "conv_ebm_voxels": SystemCase(
        ConvEBMConfig(
            channels=(8, 8),
            confinement=1.0,
            cd=LangevinCD(n_steps=3, replay_size=128, step_size=0.02, gradient_clip=None, l2=0.0, energy_gap_bound=1e5),
        ),
        "solids",
    ),
    "mlp_ebm": SystemCase(MLPEBMConfig(n_steps=3, replay_size=128)),
    "normalized_autoencoder": SystemCase(
        NormalizedAutoencoderConfig(hidden=(16,), pretraining=1, latent_steps=2, n_steps=2, replay_size=128)
    ),
    "encoder_ebm": SystemCase(EncoderEBMConfig((8, 8), 16, LangevinCD(n_steps=3, replay_size=128))),
    "two_view_ebm": SystemCase(TwoViewEBMConfig((8, 8), 16, 8, cd=LangevinCD(n_steps=3, replay_size=128))),
    "simclr": SystemCase(SimCLRConfig((8, 8), 16, 8)),
    "pca": SystemCase(PCAConfig(8), any_units=True),
    "kmeans": SystemCase(KMeansConfig(), any_units=True),
    "pair_ebm": SystemCase(
        PairEBMConfig("mlp", (8, 8), 8, 8, cd=LangevinCD(n_steps=3, replay_size=128)),
        "captioned_digits",
        condition="text",
    ),
    "clip": SystemCase(CLIPConfig((8, 8), 8, 8), "captioned_digits", condition="text"),
    "fitted_score": SystemCase(FittedScoreConfig(draws=500, form="mlp", hidden=(4,), iterations=3), "gauss1d"),
    "fitted_score_explicit": SystemCase(FittedScoreConfig("explicit", "gauss1d", draws=500, iterations=3), "gauss1d"),
    "fitted_score_exact": SystemCase(FittedScoreConfig("exact", "ring8"), "ring8"),
    "stored_score": SystemCase(StoredScoreConfig(DenoiserSamplerConfig("ancestral", 5)), "two_modes"),
    "stored_examples": SystemCase(StoredScoreConfig(DenoiserSamplerConfig("heun", 5), "examples", 100)),
    "trained_score": SystemCase(stored_network()),
    "score_edm": SystemCase(ScoreModelConfig(SMALL_UNET, sampler=Heun(3))),
    "score_ve": SystemCase(
        # The corrector's step is |n| / |s|: an untrained network whose output is the score has none.
        replace(ScoreModelConfig.ve(n_steps=3), network=SMALL_UNET, predicts="edm")
    ),
    "score_vp": SystemCase(replace(ScoreModelConfig.vp(n_steps=3), network=SMALL_UNET, conditional=True)),
    "score_flow_matching": SystemCase(replace(ScoreModelConfig.flow_matching(n_steps=3), network=SMALL_UNET)),
    "score_vlb": SystemCase(replace(ScoreModelConfig.vp(n_steps=3), network=SMALL_UNET, weight="vlb")),
    "score_classifier_guided": SystemCase(
        ScoreModelConfig(
            SMALL_UNET,
            sampler=Heun(3),
            guidance=ClassifierGuidance(),
            classifier=NoisyClassifierConfig((8, 8), patch=2),
        )
    ),
    "score_classifier_free": SystemCase(
        ScoreModelConfig(SMALL_UNET, sampler=Heun(3), conditional=True, guidance=ClassifierFree(1.0, (0.1, 10.0)))
    ),
    "score_ladder": SystemCase(
        ScoreModelConfig(
            UNetConfig((8, 8), patch=2),
            schedule=NCSNLadder(),
            predicts="score",
            weight="sigma2",
            sampler=AnnealedLangevin(3, 1, schedule=GeometricSchedule(0.01, 1.0)),
        )
    ),
    "ncsn": SystemCase(NCSNConfig.v1(network=SMALL_UNET, evaluations=10)),
    "ncsnv2": SystemCase(NCSNConfig(UNetConfig((8, 8), patch=2), evaluations=10)),
    "ncsnv2_vectors": SystemCase(NCSNConfig(VectorNetConfig(16, 1), n_levels=4, evaluations=8), "ring8"),
    "score_vectors": SystemCase(ScoreModelConfig(VectorNetConfig(16, 1), sampler=Heun(3)), "ring8"),
    "voxel_scores": SystemCase(VoxelScoreConfig(UNetConfig((4,), patch=2), sampler=Heun(2)), "solids"),
    "score_voxels": SystemCase(ScoreModelConfig(UNetConfig((4, 4)), sampler=Heun(2)), "solids"),
    "score_norms_neighbours": SystemCase(
        ScoreModelConfig(SMALL_UNET, anomaly=ScoreNorms(Neighbours(3), n_levels=4, n_examples=64), sampler=Heun(2))
    ),
    "score_norms_mixture": SystemCase(
        ScoreModelConfig(SMALL_UNET, anomaly=ScoreNorms(Mixture(2), n_levels=4, n_examples=64), sampler=Heun(2))
    ),
    "score_bound": SystemCase(
        ScoreModelConfig(
            SMALL_UNET,
            schedule=GeometricSchedule(0.02, 10.0),
            anomaly=BoundOfLikelihood(4),
            sampler=Heun(2, GeometricSchedule(0.02, 10.0)),
        )
    ),
    "gan": SystemCase(GANConfig(), any_units=True),
    "gan_conditional": SystemCase(GANConfig(channels=(8, 8), conditional=True), any_units=True),
    "gan_voxels": SystemCase(GANConfig(channels=(8, 8)), "solids", any_units=True),
    "wavegan": SystemCase(
        replace(GANConfig.wgan_gp(learning_rate=1e-3), channels=(4, 8, 8), generator_every=2, phase_shuffle=2),
        "tones@256",
    ),
    "waveform_edm": SystemCase(WaveformScoreConfig(UNetConfig((4, 8)), conditional=True, sampler=Heun(3)), "tones@256"),
    "waveform_diffwave": SystemCase(
        replace(WaveformScoreConfig.diffwave(10, 0.5), network=DilatedNetConfig(4, 3, 3)), "tones@256"
    ),
    "waveform_bands": SystemCase(
        BandedWaveformConfig(
            ScoreModelConfig(
                UNetConfig((4, 8), patch=2, attention=True, rows=True),
                optimizer="muon",
                conditional=True,
                guidance=ClassifierFree(0.5),
                sampler=Heun(3),
            ),
            n_bands=16,
            shift=8,
        ),
        "tones@256",
    ),
    "vae": SystemCase(VAEConfig(), any_units=True),
    "vae_corrected": SystemCase(VAEConfig(corrected=True)),
    "vae_voxels": SystemCase(VAEConfig(units="binary", channels=(8, 8)), "solids", any_units=True),
    "autoencoder": SystemCase(AutoencoderConfig(), any_units=True),
    "feature_classifier": SystemCase(FeatureClassifierConfig(channels=(8, 8), n_features=16)),
    "feature_classifier_sounds": SystemCase(FeatureClassifierConfig(channels=(8, 8), n_features=16), "tones"),
    "isolation_forest": SystemCase(IsolationForestConfig(n_trees=10, samples_per_tree=64)),
    "one_class_svm": SystemCase(OneClassSVMConfig(n_components=8, n_examples=200)),
    "dsm_energy": SystemCase(DSMEnergyConfig(channels=(8, 8))),
    "dsm_energy_blind": SystemCase(DSMEnergyConfig(channels=(8, 8), blind_at=0.35)),
    "energy_matching": SystemCase(
        EnergyMatchingConfig(
            PotentialConfig(UNetConfig((8, 8), patch=2)),
            warmup=1,
            contrast_from=2,
            contrast=WarmContrast(WarmingLangevin(3, 0.4), margin=20.0),
        )
    ),
    "energy_matching_vectors": SystemCase(
        EnergyMatchingConfig(PotentialConfig(VectorNetConfig(16, 1), "dot")), "ring8"
    ),
    "energy_matching_voxels": SystemCase(EnergyMatchingConfig(PotentialConfig(UNetConfig((4,), patch=2))), "solids"),
    "equilibrium_energy": SystemCase(
        EquilibriumMatchingConfig(PotentialConfig(UNetConfig((8, 8), patch=2), "norm"), sampler=NesterovDescent(8))
    ),
    "equilibrium_field": SystemCase(
        EquilibriumMatchingConfig(
            PotentialConfig(UNetConfig((8, 8), patch=2), "dot"), explicit=False, sampler=NesterovDescent(8)
        )
    ),
    "hole_energy": SystemCase(HoleEnergyConfig(channels=(8, 8))),
    "denoising_autoencoder": SystemCase(DenoisingAutoencoderConfig(channels=(8, 8), blind_at=0.35)),
    "masked_autoencoder": SystemCase(MaskedAutoencoderConfig(channels=(8, 8))),
    "context_encoder": SystemCase(MaskedAutoencoderConfig(channels=(8, 8), adversarial=0.01, critic_channels=(8, 8))),
    "training_data": SystemCase(TrainingDataConfig()),
    "training_solids": SystemCase(TrainingDataConfig("binary"), "solids"),
    "noise": SystemCase(NoiseConfig()),
    "noise_uniform": SystemCase(NoiseConfig("uniform")),
    "noise_binary": SystemCase(NoiseConfig(units="binary"), "solids"),
    "nl_means": SystemCase(ClassicalDenoiserConfig("nl_means")),
    "tv": SystemCase(ClassicalDenoiserConfig("tv")),
    "biharmonic": SystemCase(ClassicalInpainterConfig("biharmonic")),
    "mean_image": SystemCase(ClassicalInpainterConfig("mean_image")),
    **{
        f"energy_form_{name}": SystemCase(EnergyFormConfig(NamedEnergyConfig(name=name, width=2, depth=2), SHORT_CD))
        for name in get_args(get_type_hints(NamedEnergyConfig)["name"])
    },
    "class_energy_named": SystemCase(
        ClassEnergyConfig(NamedClassEnergiesConfig(name="residual", width=4, depth=2), cd=CLASS_CD)
    ),
    "class_energy_jem": SystemCase(ClassEnergyConfig(ConvConfig((8, 8)), cd=CLASS_CD)),
    "class_energy_mlp": SystemCase(ClassEnergyConfig(MLPConfig((16, 16), label="hidden"), cd_every=2, cd=CLASS_CD)),
    "class_energy_prototypes": SystemCase(ClassEnergyConfig(PrototypeConfig(2, 4), cd=CLASS_CD)),
    "class_rbm": SystemCase(ClassRBMConfig(n_hidden=16, replay_size=128, sample_steps=10)),
    "class_rbm_cd": SystemCase(ClassRBMConfig(n_hidden=16, persistent=False, cd_every=4, sample_steps=10)),
    "classifier": SystemCase(ClassifierConfig(ConvConfig((8, 8)))),
    "classifier_noisy": SystemCase(ClassifierConfig(MLPConfig((16,)), data_noise=0.1)),
    "logistic_regression": SystemCase(LogisticRegressionConfig()),
}

SYSTEMS: dict[str, SystemCase] = {name: _sampling_briefly(case) for name, case in _CASES.items()}

_BUILT = {name: case.build() for name, case in SYSTEMS.items()}


def able(capability: type) -> list[str]:
    """The names of the systems that have a capability, a protocol of :mod:`gibbsweep_models.capabilities`."""
    return [name for name, system in _BUILT.items() if isinstance(system, capability)]


TRAINED = [name for name, system in _BUILT.items() if system.phases()]
"""Those with phases; the others are fitted."""
REFERENCES = [name for name, case in SYSTEMS.items() if isinstance(case.config, TrainingDataConfig | NoiseConfig)]
"""Those that sample without a network."""
FITTED = [name for name in SYSTEMS if name not in TRAINED]
