"""Criteria of networks that make or complete examples: autoencoders, VAEs, GANs, inpainters."""

from gibbsweep_models.objectives.generation.elbo import ELBO
from gibbsweep_models.objectives.generation.gan import DiscriminatorLoss, GeneratorLoss
from gibbsweep_models.objectives.generation.inpainting import CompletionDiscrimination, MaskedReconstruction
from gibbsweep_models.objectives.generation.reconstruction import Reconstruction

__all__ = [
    "ELBO",
    "CompletionDiscrimination",
    "DiscriminatorLoss",
    "GeneratorLoss",
    "MaskedReconstruction",
    "Reconstruction",
]
