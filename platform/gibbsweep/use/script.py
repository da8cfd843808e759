"""A study's script, imported for its study and for the classes of its configurations."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.folder.whole import read_json_object
from gibbsweep.study import Study

_IMPORTED: list[Path] = []
"""The study scripts that are being imported, not run."""


@contextlib.contextmanager
def importing(script: Path) -> Iterator[None]:
    """A context in which ``script`` is imported for its study: :func:`refuse_to_run` raises in it."""
    _IMPORTED.append(script)
    try:
        yield
    finally:
        _IMPORTED.pop()


def refuse_to_run() -> None:
    """Raise UserError while a script is imported for its study: it must not run its sweep then."""
    if _IMPORTED:
        raise UserError(
            f"{_IMPORTED[-1]} runs its sweep as soon as it is imported: put the call of run_study below "
            'if __name__ == "__main__":, so that one contender can be trained alone.'
        )


def import_script(path: Path) -> ModuleType:
    """Import the study script at ``path`` as Python would run it: its folder comes first on the path of imports."""
    if not path.is_file():
        raise UserError(f"there is no study script {str(path)!r}: name a file, for example sweeps/cd_k.py.")
    name = module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python script: name a file of sweeps/.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with importing(path):
        spec.loader.exec_module(module)
    return module


def module_name(script: Path) -> str:
    """The name of the module of a study script, which hides no module that can be imported."""
    return f"gibbsweep_study_{script.stem}"


def study_in(module: ModuleType, path: Path) -> Study:
    """The study that the script at ``path`` defines. Raises UserError unless there is exactly one."""
    studies = [value for value in vars(module).values() if isinstance(value, Study)]
    if len(studies) != 1:
        raise UserError(
            f"{path} defines {len(studies)} studies, expected one at its top level: name a script of sweeps/."
        )
    return studies[0]


def study_of_run(script: Path, run: RunFolder) -> Study:
    """The study in ``script`` as the sweep of ``run`` had it, with the options that its script was given. Raises
    UserError where the script has no such options any more."""
    module = import_script(script)
    study = study_in(module, script)
    record = run.sweep.record_path
    given = read_json_object(record).get("script_options") if record.exists() else None
    if not given:
        return study
    for build, options in _builders(module):
        if given.keys() <= {field.name for field in dataclasses.fields(options)}:
            chosen = options(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})
            return study if chosen == options() else build(chosen)
    words = ", ".join(f"{name}={value!r}" for name, value in given.items())
    raise UserError(f"{script} takes no options {words}, with which the sweep of {run.path.name} was started.")


def _builders(module: ModuleType) -> Iterator[tuple[Callable[[Any], Study], type]]:
    """The functions of a script that make its study of its options, and the class of these."""
    for value in vars(module).values():
        if not inspect.isfunction(value) or value.__module__ != module.__name__:
            continue
        try:
            types = get_type_hints(value)
        except NameError:  # a name that only a type checker imports
            continue
        returned, taken = types.pop("return", None), list(types.values())
        if returned is Study and len(taken) == 1 and isinstance(taken[0], type) and dataclasses.is_dataclass(taken[0]):
            yield value, taken[0]


def own_classes(script: Path) -> tuple[type, ...]:
    """The classes of the configurations in ``script``: those that its contenders are made of, wherever they are
    defined, and the dataclasses at its top level."""
    module = import_script(script)
    found: dict[type, None] = {}
    for value in vars(module).values():
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            found[value] = None
        if isinstance(value, Study):
            for contender in value.contenders.values():
                found |= dict.fromkeys(_classes_in(contender.config))
    return tuple(found)


def _classes_in(config: object) -> Iterator[type]:
    """The classes of a nested dataclass."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        yield type(config)
        for field in dataclasses.fields(config):
            yield from _classes_in(getattr(config, field.name))
