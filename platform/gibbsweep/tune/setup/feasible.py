"""What no trial of a sweep could do is refused before there is one."""

from __future__ import annotations

from gibbsweep.data import Dataset, check_data, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import check_needs, check_other_data
from gibbsweep.run.assignment import DATA_SEED
from gibbsweep.study.step_sizes import check_halving
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Decided
from gibbsweep.tune.samplers.sampler import Sampler
from gibbsweep.tune.setup.evolves import evolving
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System


def check(study: Study, decided: Decided, options: SweepOptions) -> dict[str, tuple[str, ...]]:
    """Raise UserError for what no trial could do; decodes the data once, before any trial asks for it. Returns what evolves in the
    contenders of a population."""
    evolves: dict[str, tuple[str, ...]] = {}
    for name in decided.contenders:
        compared = study.contender(name).options()
        if 0 < study.trials_of(name, decided.trials) < len(compared):
            raise UserError(
                f"contender {name!r} compares {len(compared)} options, and {decided.trials} trials cannot cover them: "
                f"use --trials {len(compared)} or more, or 0 for no search."
            )
        _check_search(study, name, decided)
    for units in sorted({study.contenders[name].config.units for name in decided.contenders}):
        for view in study.views(decided.data):
            dataset = load(view, root=options.data_root, units=units, seed=DATA_SEED, validation=study.validation)
            check_data(dataset, study.needs, study=study.name)
        for name in decided.contenders:
            if study.contenders[name].config.units == units:
                system = _check_contender(study, name, decided, dataset)
                if decided.scheduler == "population":
                    evolves[name] = evolving(study, name, decided, system, dataset.spec)
    return evolves


def _check_search(study: Study, name: str, decided: Decided) -> None:
    """Refuse a scheduler or a sampler that cannot be, or a grid that the trials cannot cover."""
    contender, trials = study.contenders[name], study.trials_of(name, decided.trials)
    each = -(-trials // len(contender.options()))
    rungs = decided.form.build(study.budget_of(name, decided.budget).updates, each).rungs
    if trials:
        sampler = Sampler(
            decided.sampler,
            contender.space,
            seed=decided.seed,
            trials=each,
            rungs=rungs,
            objectives=len(study.goals_of(name)),
        )
        for option in contender.options():
            sampler.points(contender.compared(option), len(contender.options()))


def _check_contender(study: Study, name: str, decided: Decided, dataset: Dataset) -> System:
    """Build the contender as it stands, and see that its evaluators find what they need and a restart has steps to halve."""
    budget, config = decided.budget, study.config_of(name, decided.budget)
    try:
        system = config.build(dataset.spec)
    except ValueError as error:
        raise UserError(f"contender {name!r} does not fit the data: {error}.") from error
    for evaluator in (*study.evaluators_of(name, budget), *study.final_evaluators_of(name, budget)):
        check_needs(evaluator, system)
        check_other_data(evaluator, dataset)
    if decided.budget_of(study, name).retries and not isinstance(system, CanFit):
        check_halving(config, study.contenders[name].halve)
    return system
