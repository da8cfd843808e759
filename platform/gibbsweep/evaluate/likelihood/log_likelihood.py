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
    annealed importance sampling (AIS, which flatters) and reverse AIS (which understates if its chains have reached the
    model, and flatters too if they have not).

    Metrics: ``log_likelihood``, the exact value where there is one, else the middle of the bracket, or where it is
    inverted AIS alone, of which only the direction of its error is known; ``log_likelihood_inverted``, 1 where reverse
    AIS lies above AIS by more than two standard errors, else 0; ``log_likelihood_uncertainty``, 0 or half the width of
    the bracket, how far the two agree, which is no error: what both miss it does not count; none where the bracket is
    inverted. ``log_likelihood_ais`` and ``log_likelihood_reverse_ais``; ``log_likelihood_exact`` where there is one.

    Example::

        split = load("mnist", units="binary").test
        LogLikelihood(limit=1_000)(system, split, generator=seeded(0)).metrics["log_likelihood"]
    """

    n_temperatures: int = 1000
    """Annealing steps each way."""
    limit: int | None = None
    """Number of examples, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasLogLikelihood
    advice: ClassVar[str] = (
        "LangevinSystem has one for any energy, and gibbsweep_models.likelihood.annealed_mala.log_likelihood_bracket "
        "makes one"
    )

    def __call__(self, system: HasLogLikelihood, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        bracket = system.log_likelihood(x, generator=generator, n_temperatures=self.n_temperatures)
        sides = {
            "log_likelihood_ais": bracket.ais,
            "log_likelihood_reverse_ais": bracket.reverse_ais,
            "log_likelihood_inverted": float(bracket.inverted),
        }
        if bracket.exact is not None:
            exact = {"log_likelihood": bracket.exact, "log_likelihood_uncertainty": 0.0}
            return Evaluation({**exact, **sides, "log_likelihood_exact": bracket.exact})
        if bracket.inverted:
            return Evaluation({"log_likelihood": bracket.ais, **sides})
        middle = {
            "log_likelihood": 0.5 * (bracket.ais + bracket.reverse_ais),
            "log_likelihood_uncertainty": 0.5 * abs(bracket.ais - bracket.reverse_ais),
        }
        return Evaluation({**middle, **sides})
