"""The searches of a sweep: one for each contender, in one journal."""

from __future__ import annotations

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
    histories = {} if decided.from_sweep is None else warm_start.read(sweep.warm_start)
    return {
        name: Search(
            storage,
            contender,
            trials=contender.trials(decided.trials),
            seed=decided.seed,
            sampler=decided.sampler,
            scheduler=decided.form,
            earlier=histories[name].records(contender.space, warm_start.compared_at(contender, decided))
            if name in histories
            else (),
            evolves=evolves.get(name, ()),
        )
        for name, contender in decided.contenders_of(study).items()
    }
