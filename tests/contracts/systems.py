"""Every system, small, with what the loop's contract suites need to train it. Adding a system is one line."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gibbsweep.data import Dataset, load
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.class_rbm import ClassRBMConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.nn.class_energies import ConvForm, MLPForm, PrototypeForm
from gibbsweep_models.objectives.langevin_cd import LangevinCD
from gibbsweep_models.score.edm import EDMConfig
from gibbsweep_models.types import System, SystemConfig


@dataclass(frozen=True)
class SystemCase:
    """``data``: a bundled set it trains on. ``draws``: whether training uses its generator. ``any_units``: whether it
    follows the units of its data instead of refusing the others."""

    config: SystemConfig
    data: str = "digits"
    draws: bool = True
    any_units: bool = False

    def dataset(self) -> Dataset:
        return load(self.data, units=self.config.units)

    def build(self) -> System:
        """The system with weights of one seed."""
        torch.manual_seed(0)
        return self.config.build(self.dataset().spec)


CLASS_CD = LangevinCD(n_steps=3, replay_size=128)

SYSTEMS: dict[str, SystemCase] = {
    "rbm": SystemCase(RBMConfig(n_hidden=16, k=1, momentum=0.5)),
    "rbm_pcd": SystemCase(RBMConfig(n_hidden=16, k=2, persistent=True, centred=False)),
    "conv_ebm": SystemCase(ConvEBMConfig(channels=(8, 8), cd=LangevinCD(n_steps=3, replay_size=128))),
    "mlp_ebm": SystemCase(MLPEBMConfig(n_steps=3, replay_size=128)),
    "edm": SystemCase(EDMConfig()),
    "gan": SystemCase(GANConfig(), any_units=True),
    "vae": SystemCase(VAEConfig(), any_units=True),
    "autoencoder": SystemCase(AutoencoderConfig(), draws=False, any_units=True),
    "feature_classifier": SystemCase(FeatureClassifierConfig(channels=(8, 8), n_features=16), draws=False),
    "class_energy_jem": SystemCase(ClassEnergyConfig(ConvForm((8, 8)), cd=CLASS_CD)),
    "class_energy_mlp": SystemCase(ClassEnergyConfig(MLPForm((16, 16), label="hidden"), cd_every=2, cd=CLASS_CD)),
    "class_energy_prototypes": SystemCase(ClassEnergyConfig(PrototypeForm(2, 4), cd=CLASS_CD)),
    "class_rbm": SystemCase(ClassRBMConfig(n_hidden=16, replay_size=128, sample_steps=10)),
    "class_rbm_cd": SystemCase(ClassRBMConfig(n_hidden=16, persistent=False, cd_every=4, sample_steps=10)),
    "classifier": SystemCase(ClassifierConfig(ConvForm((8, 8))), draws=False),
    "classifier_noisy": SystemCase(ClassifierConfig(MLPForm((16,)), data_noise=0.1)),
    "logistic_regression": SystemCase(LogisticRegressionConfig()),
}

TRAINED = [name for name, case in SYSTEMS.items() if case.build().phases()]
"""Those with phases; the others are fitted."""
