"""The retrainings of each arm and the names of their runs: the best configuration, or those of a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gibbsweep.folder import as_file_name
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.search.arm import Arm
from gibbsweep.tune.search.front import FrontMember


@dataclass(frozen=True)
class Retraining:
    """One configuration that is retrained on every view with every seed."""

    member: FrontMember
    """The configuration."""
    runs: dict[tuple[str, int], str]
    """The names of its runs by view and seed."""


class Retrainings:
    """The retrainings of a sweep, a function of the settings and the journal alone. The front of a search that has
    ended depends on its trials only, and a run is named by its place on the front, so a sweep that goes on after a
    crash has the same runs. Where a sweep was extended, a configuration that was retrained before keeps its runs, and
    one that only the later trials found has runs of its own name (``rbm-of32-seed1``).

    ``front``: how many configurations of an arm with several goals are retrained at most.

    For example::

        retrainings = Retrainings(settings, study.views("digits"), front=3)
        retrainings.names(arm)  # ["rbm-seed1", "rbm-seed2", "rbm-seed3"]
    """

    def __init__(self, settings: Settings, views: Sequence[str], front: int) -> None:
        self._settings, self._views, self._front = settings, views, front

    def of(self, arm: Arm) -> list[Retraining]:
        """What of ``arm`` is retrained, as far as trials have ended; empty if no trial completed."""
        return self._with_earlier(arm)[-1]

    def superseded(self, arm: Arm) -> list[str]:
        """The runs that retrained what was the best before the sweep was extended and is so no more."""
        *earlier, now = self._with_earlier(arm)
        wanted = {run for retraining in now for run in retraining.runs.values()}
        runs = [run for retrained in earlier for retraining in retrained for run in retraining.runs.values()]
        return [run for run in dict.fromkeys(runs) if run not in wanted]

    def _with_earlier(self, arm: Arm) -> list[list[Retraining]]:
        """The retrainings of ``arm`` before each extension, and now."""
        retrained: list[list[Retraining]] = []
        for trials in (*self._settings.extended, None):
            named = [one for earlier in retrained for one in earlier]
            retrained.append(
                [
                    next((Retraining(member, one.runs) for one in named if one.member.values == member.values), None)
                    or Retraining(member, self._names(arm, place, extension=len(retrained)))
                    for place, member in enumerate(arm.members(self._front, trials))
                ]
            )
        return retrained

    def names(self, arm: Arm) -> list[str]:
        """The runs that retrain what ``arm`` finds; before its search has ended, the most that there may be."""
        found = self.of(arm)
        count = len(found) if self._most(arm) > 1 and arm.searched() else self._most(arm)
        last = len(self._settings.extended)
        names = [found[i].runs if i < len(found) else self._names(arm, i, extension=last) for i in range(count)]
        return [run for runs in names for run in runs.values()]

    def _most(self, arm: Arm) -> int:
        return self._front if arm.trials and len(arm.contender.goals) > 1 else 1

    def _names(self, arm: Arm, place: int, *, extension: int) -> dict[tuple[str, int], str]:
        """The runs of what is at ``place`` since the ``extension``-th extension; 0: since the start."""
        middle = "".join(f"-{path.rsplit('.', 1)[-1]}={value}" for path, value in arm.compared.items())
        if self._most(arm) > 1:
            middle += f"-front{place + 1}"
        if extension:
            middle += f"-of{(*self._settings.extended, self._settings.trials)[extension]}"
        # Seeds other than the search's: the best of a search was also lucky with its seed.
        seeds = range(self._settings.seed + 1, self._settings.seed + 1 + self._settings.seeds)
        return {
            (view, seed): f"{arm.name}{middle}{f'-{as_file_name(view)}' if len(self._views) > 1 else ''}-seed{seed}"
            for view in self._views
            for seed in seeds
        }
