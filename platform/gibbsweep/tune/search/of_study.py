"""The searches of a sweep: one for each contender, in one journal."""

from __future__ import annotations

from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.search.search import Search


def searches_of(study: Study, settings: Settings, sweep: SweepDir) -> dict[str, Search]:
    """The search of each contender, with what earlier parts of the sweep have recorded and what its warm start has
    copied."""
    storage = open_storage(sweep)
    evolves = sweep.record()["evolves"] if settings.scheduler == "population" else {}
    histories = {} if settings.from_sweep is None else warm_start.read(sweep.warm_start)
    searches = {
        name: Search(
            storage,
            contender,
            trials=contender.trials(settings.trials),
            seed=settings.seed,
            sampler=settings.sampler,
            scheduler=settings.form,
            earlier=histories[name].records(contender.space, warm_start.comparison_steps(contender, settings))
            if name in histories
            else (),
            evolves=evolves.get(name, ()),
            borrow=not settings.no_borrow,
            first_trials=contender.trials(settings.first_trials),
        )
        for name, contender in settings.contenders_of(study).items()
    }
    arms = [arm for search in searches.values() for arm in search.arms]
    for search in searches.values():
        search.lenders = arms
    return searches
