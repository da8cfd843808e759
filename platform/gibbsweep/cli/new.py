"""``gibbsweep new``: a study of one's own to begin with."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class NewOptions:
    """The options of ``gibbsweep new``."""

    name: Positional[str]
    """Name of the study, and of its script: letters, digits and underscores."""
    folder: Path = Path()
    """Folder to write the script to (default: the current one)."""


def new_study(options: NewOptions) -> None:
    """Write a study that runs, to be changed: a model of one's own, a baseline, a question."""
    if not options.name.isidentifier() or keyword.iskeyword(options.name) or not options.name.isascii():
        raise UserError(
            f"{options.name!r} is no name of a Python file that can be imported: use letters, digits and underscores, "
            "for example my_energy."
        )
    path = options.folder / f"{options.name}.py"
    if not path.exists() and _hides_a_module(options.name):
        raise UserError(
            f"{options.name}.py would hide the Python module {options.name}, which every program of that folder would "
            "then miss: choose another name, for example my_energy."
        )
    try:
        with path.open("x") as file:  # a script that someone has worked on is never lost
            file.write(study_text(options.name))
    except FileExistsError as error:
        raise UserError(f"{path} exists: choose another name, or remove it first.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another --folder.") from error
    print(f"{path}: a model of your own against a VAE\n  python {path} --budget smoke    does it run?\n  python {path}")


def _hides_a_module(name: str) -> bool:
    """Whether a script ``name`` would be imported instead of a module of Python's, or of an installed package."""
    if name in sys.stdlib_module_names:
        return True
    spec = importlib.util.find_spec(name)
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec is not None else []
    installed = {"site-packages", "dist-packages", "gibbsweep", "gibbsweep_models"}
    return any(installed & set(Path(place).parts) for place in places)


def study_text(name: str) -> str:
    """The text of the study ``name``: that of ``starter.py`` under its name."""
    return re.sub(r"\bstarter\b", name, Path(__file__).with_name("starter.py").read_text())
