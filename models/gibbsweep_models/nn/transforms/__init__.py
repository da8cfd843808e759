"""Maps of the data itself: random views, translations, whitening, solids as smooth fields, sounds as bands."""

from gibbsweep_models.nn.transforms.augment import Augmentation
from gibbsweep_models.nn.transforms.lapped import CompandedBands, LappedBands
from gibbsweep_models.nn.transforms.shift import random_shift
from gibbsweep_models.nn.transforms.solid_field import SolidField
from gibbsweep_models.nn.transforms.whitening import SpectralWhitening, Standardise

__all__ = [
    "Augmentation",
    "CompandedBands",
    "LappedBands",
    "SolidField",
    "SpectralWhitening",
    "Standardise",
    "random_shift",
]
