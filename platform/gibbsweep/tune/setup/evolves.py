"""The paths of a contender's space that evolve in a population. A checkpoint must go on when their values change."""

from __future__ import annotations

from gibbsweep.errors import UserError
from gibbsweep.folder import STABILITY
from gibbsweep.run.going_on import form, form_difference
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.space import Choice, Domain, Float, Space, walk, with_values
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import DataSpec, System, SystemConfig

FEWEST_MEMBERS = 4
"""The fewest members of an arm: a quarter of fewer is no member."""


def evolving_paths(at: ContenderAtBudget, trials: int, system: System, spec: DataSpec) -> tuple[str, ...]:
    """The paths that evolve in a contender with ``trials`` trials: those that it names; by default its searched step
    sizes and other Floats under whose whole range the checkpoint of ``system`` goes on. Empty if nothing is searched or
    if the system is fitted at once. Raises UserError if nothing can evolve, or if a named path cannot."""
    name, contender, config = at.name, at.contender, at.config
    if not at.trials(trials) or isinstance(system, CanFit):
        return ()
    _check_members(at, trials)
    paths = dict(walk(contender.space))
    named = contender.evolves
    if named is None:
        steps = step_sizes(config, contender.halved_on_restart)
        free = {path: paths[path] for path in _free(contender.space, contender.compared_paths)}
        candidates = [path for path, domain in free.items() if path in steps or isinstance(domain, Float)]
        default_paths = tuple(path for path in candidates if not _broken(config, path, paths[path], spec))
        if not default_paths:
            raise UserError(
                f"contender {name!r} has nothing that could evolve in a population: none of {', '.join(paths)} is a "
                "step size or a Float under which its checkpoint goes on; name paths in its evolves, or use another "
                "--scheduler."
            )
        return default_paths
    for path in named:
        domain = paths.get(path)
        if domain is None or path in contender.compared_paths or (isinstance(domain, Choice) and domain.then):
            raise UserError(
                f"contender {name!r} lets {path!r} evolve, which is not a path of its space that may change while it "
                "trains (not compared, no Choice with branches): name some of "
                f"{', '.join(_free(contender.space, contender.compared_paths))}."
            )
        if why := _broken(config, path, domain, spec):
            raise UserError(
                f"contender {name!r} lets {path!r} evolve, and its checkpoint does not go on when it changes ({why}): "
                "leave it out of evolves; it is then taken over from the donor as it is."
            )
    if not named:
        raise UserError(
            f"contender {name!r} lets nothing evolve: name a path in its evolves, or use another --scheduler."
        )
    return named


def _check_members(contender: ContenderAtBudget, trials: int) -> None:
    name = contender.name
    if contender.trials(trials) < FEWEST_MEMBERS:
        raise UserError(
            f"a population has at least {FEWEST_MEMBERS} members, and {trials} trials of {name!r} are fewer: "
            f"use --trials {FEWEST_MEMBERS} or more."
        )
    if [goal.metric for goal in contender.goals] == [STABILITY]:
        raise UserError(
            f"contender {name!r} is searched for {STABILITY}, which is known at the end of training alone, and a "
            "population compares its members before: use another --scheduler."
        )


def _broken(config: SystemConfig, path: str, domain: Domain, spec: DataSpec) -> str:
    """How the checkpoint at one end of ``domain`` differs from the checkpoint at another; "" if it goes on."""
    first, *others = domain.options if isinstance(domain, Choice) else (domain.low, domain.high)
    before = form(with_values(config, {path: first}), spec)
    for value in others:
        if why := form_difference(before, form(with_values(config, {path: value}), spec), first, value):
            return why
    return ""


def _free(space: Space, compared: tuple[str, ...]) -> list[str]:
    return [p for p, d in walk(space) if p not in compared and not (isinstance(d, Choice) and d.then)]
