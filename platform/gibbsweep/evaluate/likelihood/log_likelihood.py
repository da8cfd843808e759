"""Log-likelihoods, always as brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasLogLikelihood


@dataclass(frozen=True)
class LogLikelihood:
    """Mean log-likelihood in nats per example: exact by enumeration where the model allows, with annealed importance sampling
    (AIS, flatters) and reverse AIS (understates) side by side.

    ``log_likelihood`` is the exact value where there is one, else the middle of the bracket, whose half width is
    ``log_likelihood_uncertainty``.
    """

    n_temperatures: int = 1000
    limit: int | None = None
    needs: ClassVar[type] = HasLogLikelihood

    def __call__(self, system: HasLogLikelihood, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
        bracket = system.log_likelihood(x, generator=generator, n_temperatures=self.n_temperatures)
        middle = 0.5 * (bracket.ais + bracket.reverse_ais)
        metrics = {
            "log_likelihood": middle if bracket.exact is None else bracket.exact,
            "log_likelihood_uncertainty": 0.0
            if bracket.exact is not None
            else 0.5 * abs(bracket.ais - bracket.reverse_ais),
            "log_likelihood_ais": bracket.ais,
            "log_likelihood_reverse_ais": bracket.reverse_ais,
        }
        if bracket.exact is not None:
            metrics["log_likelihood_exact"] = bracket.exact
        return Evaluation(metrics)
