"""Checks that refuse a sweep whose trials could not work, before it has any."""

from __future__ import annotations

from gibbsweep.data import Dataset, check_data, load
from gibbsweep.run.assignment import DATA_SEED
from gibbsweep.run.feasible import checked_system
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.step_sizes import check_halving
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.samplers.sampler import Sampler
from gibbsweep.tune.setup.evolves import evolving_paths
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System


def check(study: Study, settings: Settings, options: SweepOptions) -> dict[str, tuple[str, ...]]:
    """Raise UserError for what no trial could do. Decodes the data once, before any trial needs them. Returns the paths
    that evolve in each contender of a population."""
    evolves: dict[str, tuple[str, ...]] = {}
    contenders = settings.contenders_of(study)
    for contender in contenders.values():
        _check_search(contender, settings)
    for units in sorted({contender.config.units for contender in contenders.values()}):
        for view in study.views(settings.data):
            dataset = load(view, root=options.data_root, units=units, seed=DATA_SEED, validation=study.validation)
            check_data(dataset, study.needs, study=study.name)
            for name, contender in contenders.items():
                if contender.config.units == units:
                    system = _check_contender(contender, dataset)
                    if settings.scheduler == "population":
                        evolves[name] = evolving_paths(contender, settings.trials, system, dataset.spec)
    return evolves


def _check_search(contender: ContenderAtBudget, settings: Settings) -> None:
    """Refuse a scheduler or a sampler that cannot be built, and a grid that the trials cannot cover."""
    trials = contender.trials(settings.trials)
    rungs = settings.form.build(contender.budget.updates, trials).rungs
    if trials:
        sampler = Sampler(
            settings.sampler,
            contender.space,
            seed=settings.seed,
            trials=trials,
            rungs=rungs,
            objectives=len(contender.goals),
        )
        for option in contender.options():
            sampler.most_trials(contender.compared(option))


def _check_contender(contender: ContenderAtBudget, dataset: Dataset) -> System:
    """Build the contender as it stands and check that its evaluators have what they need and that a restart has step
    sizes to halve."""
    system = checked_system(contender.name, contender.config, dataset, contender.evaluators, contender.final_evaluators)
    if contender.budget.retries and not isinstance(system, CanFit):
        check_halving(contender.config, contender.contender.halved_on_restart)
    return system
