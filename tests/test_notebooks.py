"""Every notebook runs from top to bottom: on a small tracked sweep, and those that compare on the published tables."""

from __future__ import annotations

import io
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from rich.console import Console
from tests.patience import ENOUGH_S
from tests.use.trained import tiny_sweep

from gibbsweep.cli.model.single import load_target
from gibbsweep.results.notebook import Finished
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

ROOT = Path(__file__).resolve().parents[1]


def test_cd_k(tmp_path: Path, ray_of_one_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = load_target(str(ROOT / "sweeps" / "cd_k.py") + ":rbm")
    options = SweepOptions(runs=tmp_path, name="small", budget="smoke", trials=1, seeds=2)
    run_sweep(study, options, console=Console(file=io.StringIO()), command="")
    notebook = nbformat.read(ROOT / "analysis" / "01_cd_k.ipynb", as_version=4)
    monkeypatch.setenv("GIBBSWEEP_RUNS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'platform'}:{ROOT / 'models'}")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    client = NotebookClient(
        notebook,
        timeout=round(ENOUGH_S),
        startup_timeout=round(ENOUGH_S),
        iopub_timeout=60,  # by default outputs that come 4 s late are dropped
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 3
    assert sum("text/html" in o.get("data", {}) for o in outputs) == 1
    answer = notebook.cells[-1].outputs[0].text
    assert "The best k is" in answer
    assert "0% of the 12 runs diverged" in answer


COMPARING = sorted(path.name for path in (ROOT / "analysis").glob("0[2-7]_*.ipynb"))


def ran(path: Path) -> dict[str, object]:
    """The names that the cells of a notebook have made, run in this process: a kernel would take seconds to start."""
    shell = InteractiveShell()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            plain = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
            shell.run_cell(plain).raise_error()
    names: dict[str, object] = shell.user_ns
    return names


@pytest.mark.parametrize("name", COMPARING)
def test_a_comparison_of_the_published_tables(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the answers that are stored with the notebook are those of today's tables."""
    import matplotlib as mpl

    mpl.use("Agg")
    monkeypatch.chdir(ROOT / "analysis")
    monkeypatch.setenv("GIBBSWEEP_RUNS", str(tmp_path))
    names = ran(ROOT / "analysis" / name)
    found = [value for value in names.values() if isinstance(value, Finished)]
    assert len(found) >= 2 and all(finished.folder == Path("results") for finished in found)
    stored = [
        output.text
        for cell in nbformat.read(ROOT / "analysis" / name, as_version=4).cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream"
    ]
    assert len(found) < len(stored) + 2, "the notebook is stored without its outputs: run make notebooks"
    for finished in found:
        assert finished.answer in stored[0], "the stored answer is an earlier table's: run make notebooks"


@pytest.mark.parametrize("name", ["08_any_sweep.ipynb", "09_use_a_model.ipynb"])
def test_any_sweep_and_a_model_in_use(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    folder, _ = tiny_sweep(tmp_path, contenders=("rbm",))
    monkeypatch.chdir(ROOT / "analysis")
    monkeypatch.setenv("GIBBSWEEP_RUNS", str(folder.parent))
    names = ran(ROOT / "analysis" / name)
    if name.startswith("08"):
        assert list(names["sweep"].rows.index) and names["best"].path.is_relative_to(folder)  # type: ignore[attr-defined]
    else:
        assert names["model"].path.is_relative_to(folder) and len(names["scores"]) == 200  # type: ignore[attr-defined, arg-type]
