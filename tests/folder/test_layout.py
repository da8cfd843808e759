"""The layout of run folders: each name once, and nothing that reads them needs torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gibbsweep
from gibbsweep.folder import RunFolder, SweepFolder, layout
from gibbsweep.tune.folder.layout import SweepDir

assert gibbsweep.__file__ is not None
PACKAGE = Path(gibbsweep.__file__).parent
LAYOUTS = {PACKAGE / "folder/layout.py", PACKAGE / "tune/folder/layout.py"}
NAMES = {value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)}
FILES = {name for name in NAMES if "." in name}
OTHER = {("tune/table/write.py", "results"), ("tune/on_ray/cluster.py", "ray")}
"""``analysis/results`` of a repository, which is no sweep's, and Ray's own folder for temporary files."""


def engine_files() -> set[str]:
    """The names that the sweep engine alone uses."""
    paths = [
        getattr(SweepDir(Path("s")), name) for name in vars(SweepDir) if isinstance(vars(SweepDir)[name], property)
    ]
    return {path.name for path in paths if isinstance(path, Path)}


def sources() -> Iterator[Path]:
    """The platform's modules beside the layouts."""
    yield from (path for path in sorted(PACKAGE.rglob("*.py")) if path not in LAYOUTS)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module with their lines, those of f-strings in pieces, without docstrings."""
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def joined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that a module joins to a path: those right of ``/``, and the patterns of ``glob``."""
    for node in ast.walk(tree):
        right = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "glob" in node.func.attr:
            right = node.args[0]
        if right is not None:
            yield from ((line, part) for line, text in strings(right) for part in text.split("/"))


def test_the_names_of_run_folders_stand_in_the_layout_alone() -> None:
    files = FILES | {name for name in engine_files() if "." in name}
    plain = (NAMES | engine_files()) - files
    assert {"metrics.jsonl", "outcome.json", "state.json", "sweep.json", "optuna.journal"} <= files
    assert {"checkpoint", "trials", "images", "sounds", "results"} <= plain
    found = []
    for path in sources():
        tree, module = ast.parse(path.read_text()), path.relative_to(PACKAGE).as_posix()
        found += [f"{module}:{line}: {text}" for line, text in strings(tree) if any(file in text for file in files)]
        found += [
            f"{module}:{n}: / {word}" for n, word in joined(tree) if word in plain and (module, word) not in OTHER
        ]
    assert not found, "take these names from gibbsweep.folder.layout or gibbsweep.tune.folder.layout"


def test_every_path_of_a_folder_has_its_name_from_the_layout() -> None:
    for folder in (RunFolder(Path("r")), SweepFolder(Path("s"))):
        values = {
            name: getattr(folder, name) for name, kind in vars(type(folder)).items() if isinstance(kind, property)
        }
        paths = {name: path for name, path in values.items() if isinstance(path, Path)}
        assert len(set(paths.values())) == len(paths) >= 6
        assert {path.name for path in paths.values()} <= NAMES
    run = SweepFolder(Path("runs/s")).trial("rbm-0003")
    assert run == Path("runs/s/trials/rbm-0003") and RunFolder(run).sweep == SweepFolder(Path("runs/s"))
    assert RunFolder(run).image("test/samples", 12) == run / "images/test/samples/00000012.png"
    assert RunFolder(run).sound("tone", 12) == run / "sounds/tone/00000012.wav"


def test_runs_are_found_by_a_file_that_they_have(tmp_path: Path) -> None:
    sweep = SweepFolder(tmp_path)
    assert list(sweep.runs_with("outcome.json")) == []
    for name in ("a", "b", "c"):
        sweep.trial(name).mkdir(parents=True)
    for name in ("a", "c"):
        RunFolder(sweep.trial(name)).outcome.touch()
    assert sorted(sweep.runs_with("outcome.json")) == [sweep.trial("a"), sweep.trial("c")]


@pytest.mark.parametrize("module", ["gibbsweep.folder", "gibbsweep.track", "gibbsweep.track.follower"])
def test_the_tracking_process_imports_no_torch(module: str) -> None:
    """It stands beside every sweep: torch would cost it seconds of a core and hundreds of megabytes."""
    code = (
        f"import importlib, pkgutil, sys\npackage = importlib.import_module({module!r})\n"
        "for info in pkgutil.iter_modules(getattr(package, '__path__', ()), package.__name__ + '.'):\n"
        "    importlib.import_module(info.name)\n"
        "print(*sorted({'torch', 'ray', 'numpy'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
