"""Energies that learn by regression: the gradient of a potential, or a field, that leads from data to noise."""

from gibbsweep_models.objectives.flow_matching.contrast import WarmContrast
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.objectives.flow_matching.pairs import optimal_pairs

__all__ = ["GradientMatching", "WarmContrast", "optimal_pairs"]
