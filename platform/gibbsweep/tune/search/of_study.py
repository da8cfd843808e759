"""The searches of a sweep: one for each contender, in one journal."""

from __future__ import annotations

from dataclasses import replace

from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.options.settings import Decided
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.search.search import Search


def searches_of(study: Study, decided: Decided, sweep: SweepDir) -> dict[str, Search]:
    """By contender, with what earlier parts of the sweep have recorded and what its warm start has copied."""
    storage = open_storage(sweep)
    evolves = sweep.record()["evolves"] if decided.scheduler == "population" else {}
    taken = {} if decided.from_sweep is None else warm_start.read(sweep.warm_start)
    return {
        name: Search(
            storage,
            name,
            replace(study.contenders[name], config=study.config_of(name, decided.budget)),
            study.goals_of(name),
            updates=study.budget_of(name, decided.budget).updates,
            trials=study.trials_of(name, decided.trials),
            seed=decided.seed,
            sampler=decided.sampler,
            scheduler=decided.form,
            constraints=study.constraints_of(name),
            earlier=taken[name].records(study.contenders[name].space, warm_start.compared_at(study, decided, name))
            if name in taken
            else (),
            evolves=evolves.get(name, ()),
        )
        for name in decided.contenders
    }
