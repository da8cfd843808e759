"""What is retrained of each search, under which names: the best configuration, or those of a Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gibbsweep.study.study import Study
from gibbsweep.train.files import as_file_name
from gibbsweep.tune.options.settings import Decided
from gibbsweep.tune.search.front import Member
from gibbsweep.tune.search.search import Search


class Retrainings:
    """Decided from the journal alone: the front of a search that has ended is a function of its trials, and a run is named by its place on
    the front, so a sweep that goes on after a crash has the same runs."""

    def __init__(self, study: Study, decided: Decided, views: Sequence[str], searches: Mapping[str, Search]) -> None:
        self._study, self._decided, self._views, self._searches = study, decided, views, searches

    def members(self, name: str, option: Any) -> list[Member]:
        """What to retrain by what is known; empty if no search trial completed. Without a search, the configuration as it stands."""
        search = self._searches[name]
        if search.trials == 0:
            return [Member("", search.contender.compared(option))]
        return search.members(option, self._study.front)

    def most(self, name: str) -> int:
        """How many members there can be."""
        search = self._searches[name]
        return self._study.front if search.trials and len(search.goals) > 1 else 1

    def names(self, name: str, option: Any, member: int = 0) -> dict[tuple[str, int], str]:
        """The name of the run on each view with each seed, of the ``member``-th configuration."""
        contender = self._study.contenders[name]
        middle = "".join(f"-{path.rsplit('.', 1)[-1]}={value}" for path, value in contender.compared(option).items())
        if self.most(name) > 1:
            middle += f"-front{member + 1}"
        # Other seeds than the search's: the best of a search was chosen by its luck, too.
        seeds = range(self._decided.seed + 1, self._decided.seed + 1 + self._decided.seeds)
        return {
            (view, seed): f"{name}{middle}{f'-{as_file_name(view)}' if len(self._views) > 1 else ''}-seed{seed}"
            for view in self._views
            for seed in seeds
        }
