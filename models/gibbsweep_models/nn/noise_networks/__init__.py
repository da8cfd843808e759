"""Networks with the noise level as an input, from which denoisers are made."""

from gibbsweep_models.nn.noise_networks.configs import DilatedNetConfig, UNetConfig, VectorNetConfig
from gibbsweep_models.nn.noise_networks.dilated import DilatedNet
from gibbsweep_models.nn.noise_networks.noisy_classifier import NoisyClassifier, NoisyClassifierConfig
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.nn.noise_networks.unet import UNet
from gibbsweep_models.nn.noise_networks.vector_net import VectorNet
from gibbsweep_models.nn.noise_networks.waveform_patches import PatchedWaveform

__all__ = [
    "DilatedNet",
    "DilatedNetConfig",
    "NoisyClassifier",
    "NoisyClassifierConfig",
    "PatchUNet",
    "PatchedWaveform",
    "UNet",
    "UNetConfig",
    "VectorNet",
    "VectorNetConfig",
]
