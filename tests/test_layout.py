"""The house itself: two source roots that are no packages, names that exist, nothing that ties it to one machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gibbsweep
import gibbsweep_models

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("platform", "models")
FOLDERS = (*SOURCE_ROOTS, "sweeps", "analysis", "docs", "tests", ".ci")


def own_files() -> Iterator[Path]:
    """What belongs to the repository: the files at its top and all in its folders."""
    # In a worktree `.git` is a file that says where the repository is.
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            inside = path.relative_to(ROOT / folder).parts
            if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in inside):  # caches
                yield path


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter at the top of the repository that finds the packages in their source roots."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS)}
    return subprocess.run(
        [sys.executable, *words], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_a_source_root_is_a_folder_and_no_package(root: str) -> None:
    assert (ROOT / root).is_dir()
    assert not list((ROOT / root).glob("*.py")), f"{root}/ is a source root like src/: modules go into its packages"


def test_the_standard_library_s_platform_is_not_shadowed() -> None:
    done = python("-c", "import platform; print(platform.system(), platform.__file__)")
    assert done.returncode == 0, done.stderr
    system, file = done.stdout.split(maxsplit=1)
    assert system
    assert not Path(file.strip()).is_relative_to(ROOT / "platform")


def test_the_packages_come_from_the_checkout() -> None:
    for module, root in ((gibbsweep, "platform"), (gibbsweep_models, "models")):
        assert module.__file__ is not None
        assert Path(module.__file__).resolve() == ROOT / root / module.__name__ / "__init__.py"


def test_models_and_training_need_no_ray_optuna_or_mlflow() -> None:
    code = (
        "import importlib, pkgutil, sys, gibbsweep_models, gibbsweep.data, gibbsweep.train, gibbsweep.evaluate\n"
        "for info in pkgutil.walk_packages(gibbsweep_models.__path__, 'gibbsweep_models.'):\n"
        "    importlib.import_module(info.name)\n"
        "print(*sorted({'ray', 'optuna', 'mlflow'} & set(sys.modules)))"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_nothing_names_a_machine_or_a_package_index() -> None:
    # Put together here, so that this file does not hold them itself.
    forbidden = [part + rest for part, rest in (("/wo", "rk/"), ("/ro", "ot/"), ("index", "-url"), ("extra", "-index"))]
    files = list(own_files())
    assert len(files) > 100, "the search for files has gone astray"
    found = {
        f"{path.relative_to(ROOT)}: {word}"
        for path in files
        for word in forbidden
        if word.encode() in path.read_bytes()
    }
    assert not found


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / name).read_text(), re.MULTILINE))
        assert named, f"{name} names no target: was its form changed?"
        assert named <= targets, name


def test_the_readme_and_the_docs_are_finished_and_their_paths_exist() -> None:
    pages = [(ROOT / "README.md").read_text(), *(page.read_text() for page in (ROOT / "docs").rglob("*.md"))]
    paths = {path for page in pages for path in re.findall(r"(?:sweeps|analysis)/[\w/]+\.\w+", page)}
    assert len(paths) > 3
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert not [page for page in pages if "<!-- " in page], "a table is missing"


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_names_exist(page: str) -> None:
    """Code spans such as `tests/test_layout.py` and `tune/sweep.py:run_sweep`; `NAME.py` stands for a file to be
    made."""
    spans = re.findall(r"`((?:\w+/)+\w+\.py)(?::(\w+))?`", (ROOT / page).read_text())
    named = [(path, name) for path, name in spans if not re.search("[A-Z]{3}", path)]
    assert len(named) > 10, f"{page} names few files: was its form changed?"
    for path, name in named:
        files = [file for file in (ROOT / path, ROOT / "platform" / "gibbsweep" / path) if file.exists()]
        assert files, f"{page} names {path}, which does not exist"
        assert not name or re.search(rf"^(def|class) {name}\b", files[0].read_text(), re.MULTILINE), (
            f"{page} names {path}:{name}, and that file has neither a function nor a class {name}"
        )


def test_every_system_is_under_contract() -> None:
    from tests.contracts.discover import classes
    from tests.contracts.systems import SYSTEMS

    import gibbsweep_models.baselines
    import gibbsweep_models.energy
    import gibbsweep_models.score

    packages = (gibbsweep_models.baselines, gibbsweep_models.energy, gibbsweep_models.score)
    configs = {cls.__name__ for package in packages for cls in classes(package) if hasattr(cls, "build")}
    assert configs == {type(case.config).__name__ for case in SYSTEMS.values()}
