"""The folder of one sweep, and the rule that a changed study does not resume an old sweep."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import write_json
from gibbsweep.run.provenance import git_commit
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir, find_sweep
from gibbsweep.tune.options.options import DECIDING, SweepOptions
from gibbsweep.tune.options.settings import Settings, differences, fingerprint
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.setup.feasible import check


def create(
    study: Study, options: SweepOptions, *, has_gpu: bool, script_options: Mapping[str, Any] | None = None
) -> tuple[SweepDir, Settings]:
    """A new sweep's folder with its record."""
    name = options.name or f"{study.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = options.runs / name
    if SweepDir(path).record_path.exists():
        raise UserError(
            f"there is already a sweep {name!r} in {options.runs}: continue it with --resume {name}, or choose another --name."
        )
    defaults: dict[str, Any] = {
        "contenders": study.default or tuple(study.contenders),
        "trials": study.trials,
        "seeds": study.seeds,
        "budget": "gpu" if has_gpu and "gpu" in study.budgets else "laptop",
        "data": study.data,
        "seed": 0,
        "precision": "auto",
        "sampler": "random" if options.scheduler == "population" else "tpe",  # a population learns by itself
        "scheduler": "none",
        "eta": 3,
        "rungs": None,
        "brackets": 1,
        "window": 1,
        "generations": 8,
        "retries": None,
        "from_sweep": None,
    }
    settings = Settings(**{k: defaults[k] if getattr(options, k) is None else getattr(options, k) for k in DECIDING})
    evolves = check(study, settings, options)
    taken = None if settings.from_sweep is None else warm_start.take(study, settings, options.runs)
    record = {
        "name": name,
        "study": study.name,
        "question": study.question,
        "data": settings.data,
        "budget": settings.budget,
        **_several_goals(study, settings),
        "options": vars(settings),
        "script_options": dict(script_options or {}),
        "fingerprint": fingerprint(study, settings),
        **({"evolves": evolves} if settings.scheduler == "population" else {}),
        "git_commit": git_commit(),
        "created": time.time(),
    }
    try:
        if taken is not None:  # first: a sweep exists once it has its record
            warm_start.write(SweepDir(path).warm_start, taken)
        write_json(SweepDir(path).record_path, record)
    except OSError as error:
        raise UserError(
            f"the run folder {options.runs} cannot be written ({error.strerror}): choose a writable one with --runs."
        ) from error
    return SweepDir(path), settings


def reopen(study: Study, options: SweepOptions) -> tuple[SweepDir, Settings]:
    """The folder of the sweep to resume. Options that were given and differ from the record, or a study that changed, are refused."""
    assert options.resume is not None
    sweep = find_sweep(options.runs, options.resume)
    record = sweep.record()
    if record["study"] != study.name:
        raise UserError(
            f"sweep {sweep.name!r} belongs to study {record['study']!r}, not {study.name!r}: resume it with that script."
        )
    recorded = record["options"]
    for name in DECIDING:
        given = getattr(options, name)
        given = list(given) if isinstance(given, tuple) else given
        if given is not None and given != recorded[name]:
            raise UserError(
                f"sweep {sweep.name!r} was started with {name} = {recorded[name]}, and --{name.removesuffix('_sweep')} {given} was given: "
                "leave it out to continue, or start a new sweep."
            )
    settings = Settings(**{**recorded, "contenders": tuple(recorded["contenders"])})
    evolves = {name: list(paths) for name, paths in check(study, settings, options).items()}
    changes = differences(record["fingerprint"], fingerprint(study, settings))
    changes += differences(record.get("evolves", {}), evolves, "evolves")
    if changes:
        raise UserError(
            f"the study of sweep {sweep.name!r} has changed since it was started ({'; '.join(changes)}): "
            "undo the change to continue it, or start a new sweep."
        )
    return sweep, settings


def remembered(options: SweepOptions, own: Any) -> dict[str, Any]:
    """The script options that the sweep to resume was started with, where ``own`` leaves them at their defaults."""
    path = SweepDir(options.runs / (options.resume or "")).record_path
    if options.resume is None or not path.exists():
        return {}
    recorded: dict[str, Any] = json.loads(path.read_text()).get("script_options", {})
    defaults = type(own)()
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in recorded.items()
        if hasattr(own, name) and getattr(own, name) == getattr(defaults, name)
    }


def _several_goals(study: Study, settings: Settings) -> dict[str, Any]:
    """The goals of the contenders that have several, in words."""
    goals = {
        name: " and ".join(f"{goal.direction} {goal.metric}" for goal in at.goals)
        for name, at in settings.contenders_of(study).items()
        if len(at.goals) > 1
    }
    return {"goals": goals} if goals else {}
