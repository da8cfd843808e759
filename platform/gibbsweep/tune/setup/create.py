"""The folder of one sweep, new or resumed. A sweep whose study has changed is not resumed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder.whole import claim_free_folder, create_json
from gibbsweep.run.provenance import git_commit, keep_script, script_record
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.driver import claimed
from gibbsweep.tune.folder.layout import SweepDir, find_sweep, is_sweep
from gibbsweep.tune.options.environment import AUTO, default_budget
from gibbsweep.tune.options.options import DECIDING, SweepOptions
from gibbsweep.tune.options.settings import Settings, differences, fingerprint
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.setup.defaults import defaults_of
from gibbsweep.tune.setup.extend import extended
from gibbsweep.tune.setup.feasible import check


def create(
    study: Study,
    options: SweepOptions,
    *,
    has_gpu: bool,
    script_options: Mapping[str, Any] | None = None,
    script: Path | None = None,
) -> tuple[SweepDir, Settings]:
    """Make a new sweep's folder with its record, and a copy of the study's ``script``. Where several processes make a
    sweep of one name at once, one of them has it. Raises UserError if the sweep exists, cannot be written, or is not
    feasible."""
    if options.name is not None and SweepDir(options.runs / options.name).record_path.exists():
        raise _taken(options.name, options.runs)
    gpus = has_gpu or (options.gpus_per_trial != AUTO and float(options.gpus_per_trial) > 0)
    own_default = "gpu" if gpus and "gpu" in study.budgets else "laptop"
    budget = default_budget() or own_default if options.budget is None else options.budget
    defaults = defaults_of(study, budget, options.scheduler)
    settings = Settings(**{k: defaults[k] if getattr(options, k) is None else getattr(options, k) for k in DECIDING})
    evolves = check(study, settings, options)
    histories = None if settings.from_sweep is None else warm_start.histories_of(study, settings, options.runs)
    record = {
        "study": study.name,
        "question": study.question,
        "data": settings.data,
        "budget": settings.budget,
        **_goals_as_text(study, settings),
        "options": vars(settings),
        "script_options": dict(script_options or {}),
        "fingerprint": fingerprint(study, settings),
        **({"evolves": evolves} if settings.scheduler == "population" else {}),
        "git_commit": git_commit(),
        **({"script": script_record(script)} if script is not None else {}),
        "created": time.time(),
    }
    try:
        if options.name is not None:
            sweep = SweepDir(options.runs / options.name)
            sweep.path.mkdir(parents=True, exist_ok=True)
        else:
            sweep = SweepDir(claim_free_folder(options.runs / f"{study.name}-{time.strftime('%Y%m%d-%H%M%S')}"))
        with claimed(sweep) as free:
            if not free:
                raise _taken(sweep.name, options.runs)
            if histories is not None:  # before the record, with which the sweep exists
                warm_start.write(sweep.warm_start, histories)
            if script is not None:
                keep_script(script, sweep.path)
            create_json(sweep.record_path, {"name": sweep.name, **record})
    except FileExistsError as error:
        if options.runs.is_dir():
            raise _taken(options.name or study.name, options.runs) from error
        raise _unwritable(options.runs, error) from error
    except OSError as error:
        raise _unwritable(options.runs, error) from error
    return sweep, settings


def _typed(option: Any) -> str:
    """An option as a person types it."""
    return " ".join(map(str, option)) if isinstance(option, list) else str(option)


def _taken(name: str, runs: Path) -> UserError:
    return UserError(
        f"there is already a sweep {name!r} in {runs}: continue it with --resume {shlex.quote(name)}, or "
        "choose another --name."
    )


def _unwritable(runs: Path, error: OSError) -> UserError:
    return UserError(f"the run folder {runs} cannot be written ({error.strerror}): choose a writable one with --runs.")


def reopen(study: Study, options: SweepOptions) -> tuple[SweepDir, Settings]:
    """The folder of the sweep to resume and its settings; with more trials than are on record they are those of the
    extended sweep, which :func:`gibbsweep.tune.setup.extend.record_extension` writes down. Raises UserError if other
    options differ from the record, if it cannot be extended, or if the study has changed."""
    assert options.resume is not None
    sweep = find_sweep(options.runs, options.resume)
    record = sweep.record()
    if record["study"] != study.name:
        raise UserError(
            f"sweep {sweep.name!r} belongs to study {record['study']!r}, not {study.name!r}: "
            "resume it with that script."
        )
    recorded = _checked(record["options"], study, sweep)
    for name in DECIDING:
        option = getattr(options, name)
        option = list(option) if isinstance(option, tuple) else option
        if name == "trials" and option is not None and option > recorded[name]:
            continue  # an extension
        if option is not None and option != recorded[name]:
            option_name = f"--{name.removesuffix('_sweep').replace('_', '-')}"
            learned = "" if name == "from_sweep" else f" (--from {sweep.name} takes over what this one has learned)"
            raise UserError(
                f"sweep {sweep.name!r} was started with {name} = {recorded[name]}, and {option_name} {_typed(option)} "
                f"was given: leave it out to continue, or start a new sweep{learned}."
            )
    settings = settings_of(recorded)
    if options.trials is not None and options.trials > settings.trials:
        settings = extended(study, sweep, settings, options.trials)
    evolves = {name: list(paths) for name, paths in check(study, settings, options).items()}
    changes = differences(record["fingerprint"], fingerprint(study, settings))
    changes += differences(record.get("evolves", {}), evolves, "evolves")
    if changes:
        raise UserError(
            f"the study of sweep {sweep.name!r} has changed since it was started ({'; '.join(changes)}): "
            "undo the change to continue it, or start a new sweep."
        )
    return sweep, settings


def settings_of(recorded: Mapping[str, Any]) -> Settings:
    """The settings that are on record as ``recorded``."""
    tuples = {name: tuple(recorded.get(name, ())) for name in ("contenders", "extended")}
    return Settings(**{**recorded, **tuples})


def _checked(recorded: dict[str, Any], study: Study, sweep: SweepDir) -> dict[str, Any]:
    """The ``recorded`` options of a sweep as they are recorded now. Raises UserError where its trials are counted in
    another way: sweeps without ``no_borrow`` shared them among the options of a contender."""
    if "no_borrow" in recorded:
        return recorded
    if recorded["trials"]:
        for name in recorded["contenders"]:
            options = study.contender(name).options()
            if len(options) > 1:
                raise UserError(
                    f"sweep {sweep.name!r} was started when the {len(options)} options of {name!r} shared "
                    f"{recorded['trials']} trials, and now each has so many: continue it with the version that started "
                    f"it, or start a new sweep (--from {sweep.name} takes over what this one has learned)."
                )
    return {**recorded, "no_borrow": True}


def resume_if_started(options: SweepOptions) -> SweepOptions:
    """``options`` that ask for one thing: with ``resume_or_start`` they resume the sweep ``name`` if there is one, and
    start it if there is none. Raises UserError if its folder holds a record that cannot be read."""
    if not options.resume_or_start or options.name is None:
        return options
    path = options.runs / options.name
    if not SweepDir(path).record_path.exists():  # also a folder that a kill left before its record was written
        return replace(options, resume_or_start=False)
    return replace(options, name=None, resume=options.name, resume_or_start=False)


def script_options_of(options: SweepOptions, script_options: Any) -> dict[str, Any]:
    """The script options with which the sweep to resume was started, as far as ``script_options`` has their
    defaults."""
    sweep = SweepDir(options.runs / (options.resume or ""))
    if options.resume is None or not is_sweep(sweep.path):
        return {}
    recorded: dict[str, Any] = sweep.record().get("script_options", {})
    defaults = type(script_options)()
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in recorded.items()
        if hasattr(script_options, name) and getattr(script_options, name) == getattr(defaults, name)
    }


def _goals_as_text(study: Study, settings: Settings) -> dict[str, Any]:
    """The goals of the contenders that have several, as text."""
    goals = {
        name: " and ".join(f"{goal.direction} {goal.metric}" for goal in at.goals)
        for name, at in settings.contenders_of(study).items()
        if len(at.goals) > 1
    }
    return {"goals": goals} if goals else {}
