"""The house: source roots that are no packages, short files, scripts that import without side effects, a README that is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gibbsweep
import gibbsweep_models
from gibbsweep.cli.single import load_target
from gibbsweep_models.types import DataSpec

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "sweeps").rglob("*.py"))
SOURCES = [p for folder in ("platform", "models", "sweeps", "analysis", "tests") for p in (ROOT / folder).rglob("*.py")]
SHAPES = {"digits": (1, 8, 8)}


@pytest.mark.parametrize("folder", ["platform", "models"])
def test_source_roots_are_not_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists(), "it would shadow the standard library's platform"


def test_the_standard_library_s_platform_is_found_from_the_root() -> None:
    script = "import platform; print(platform.system())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip()


def test_packages_come_from_this_checkout() -> None:
    assert Path(gibbsweep.__file__ or "").is_relative_to(ROOT / "platform")
    assert Path(gibbsweep_models.__file__ or "").is_relative_to(ROOT / "models")


def test_files_are_short() -> None:
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 300}
    assert not long


def test_no_file_names_a_machine_or_an_index() -> None:
    forbidden = ("/wo" + "rk/", "index" + "-url", "/ro" + "ot/")
    texts = [*SOURCES, *ROOT.glob("*.*"), *(ROOT / "analysis").rglob("*.ipynb"), *(ROOT / "analysis").rglob("*.md")]
    found = [(p.name, word) for p in texts if p.is_file() for word in forbidden if word in p.read_text(errors="ignore")]
    assert not found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_every_study_builds_its_contenders(script: Path) -> None:
    first = re.search(r"^STUDY = Study\(", script.read_text(), re.MULTILINE)
    assert first, "a script defines one STUDY"
    with pytest.raises(Exception, match="names no contender"):
        load_target(str(script))
    name = re.search(r'contenders=\{\s*"(\w+)"', script.read_text())
    assert name is not None
    study, _ = load_target(f"{script}:{name[1]}")
    for contender in study.contenders.values():
        system = contender.config.build(DataSpec(SHAPES.get(study.data, (1, 28, 28)), contender.config.units, 10))
        assert system.phases()
    assert set(study.default) <= set(study.contenders)
    assert {"smoke", "laptop", "gpu"} <= set(study.budgets)


def test_the_readme_names_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in set(re.findall(r"(?:sweeps|analysis)/[\w/]+\.\w+", readme)):
        assert (ROOT / path).exists(), path
    assert "<!-- " not in readme, "a table is missing"
