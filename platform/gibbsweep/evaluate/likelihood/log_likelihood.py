"""Log-likelihoods, exact or as brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasLogLikelihood


@dataclass(frozen=True)
class LogLikelihood:
    """Mean log-likelihood in nats per example: exact by enumeration where the model allows, and always as a bracket of
    annealed importance sampling (AIS, which flatters) and reverse AIS (which understates).

    Metrics: ``log_likelihood``, the exact value where there is one, else the middle of the bracket;
    ``log_likelihood_uncertainty``, 0 or half the width of the bracket; ``log_likelihood_ais`` and
    ``log_likelihood_reverse_ais``; ``log_likelihood_exact`` where there is one.

    Example::

        split = load("mnist", units="binary").test
        LogLikelihood(limit=1_000)(system, split, generator=seeded(0)).metrics["log_likelihood"]
    """

    n_temperatures: int = 1000
    """Annealing steps each way."""
    limit: int | None = None
    """Number of examples, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasLogLikelihood

    def __call__(self, system: HasLogLikelihood, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        bracket = system.log_likelihood(x, generator=generator, n_temperatures=self.n_temperatures)
        sides = {"log_likelihood_ais": bracket.ais, "log_likelihood_reverse_ais": bracket.reverse_ais}
        if bracket.exact is not None:
            exact = {"log_likelihood": bracket.exact, "log_likelihood_uncertainty": 0.0}
            return Evaluation({**exact, **sides, "log_likelihood_exact": bracket.exact})
        middle = {
            "log_likelihood": 0.5 * (bracket.ais + bracket.reverse_ais),
            "log_likelihood_uncertainty": 0.5 * abs(bracket.ais - bracket.reverse_ais),
        }
        return Evaluation({**middle, **sides})
