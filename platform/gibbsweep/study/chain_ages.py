"""Whether an energy is trained on chains as old as those that are measured and shown."""

from __future__ import annotations

from gibbsweep.evaluate.contract import RunsChains
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.space import with_values
from gibbsweep_models.objectives.cd import LangevinCD


def young_chains(contender: ContenderAtBudget) -> list[str]:
    """A sentence where persistent chains of training stay younger than chains that evaluators run, or than those from
    noise that make samples: no training has seen where these go. One for each compared option with other ages.

    A chain of the buffer makes updates * batch_size * n_steps / replay_size steps, restarts left aside.
    """
    sentences: dict[str, None] = {}
    for option in contender.options():
        config = with_values(contender.config, contender.compared(option))
        budget = contender.budget
        run = [e.chain_steps for e in contender.final_evaluators if isinstance(e, RunsChains)]
        samples = any(hasattr(e.needs, "sample") for e in contender.final_evaluators)
        longest = max([*run, getattr(config, "sample_steps", 0) if samples else 0])
        for cd in (value for value in vars(config).values() if isinstance(value, LangevinCD)):
            age = cd.chain_age(budget.updates, budget.batch_size)
            if age is None or age >= longest:
                continue
            fits = int(age * cd.replay_size / longest)
            advice = f"{fits} chains would grow as old" if fits >= budget.batch_size else "train longer, or show less"
            sentences[
                f"{contender.name}: chains of {longest} steps are shown, and those of training reach {age:.0f} with "
                f"replay_size={cd.replay_size} and n_steps={cd.n_steps}: {advice}"
            ] = None
    return list(sentences)
