"""What a package holds, so that a contract suite can tell when its list has fallen behind."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType


def classes(package: ModuleType) -> list[type]:
    """The public classes that the modules of ``package`` and of its sub-packages define, without protocols."""
    modules = [
        importlib.import_module(info.name) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return [
        value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and not getattr(value, "_is_protocol", False)
    ]


def returning(annotation: str, package: ModuleType) -> set[str]:
    """The names of the classes of ``package`` whose call (or ``forward``) is annotated to return ``annotation``."""
    calls = {cls.__name__: cls.__dict__.get("__call__", cls.__dict__.get("forward")) for cls in classes(package)}
    return {name for name, call in calls.items() if call and call.__annotations__.get("return") == annotation}
