"""Every notebook runs from top to bottom on a small tracked sweep, in a kernel of its own."""

from __future__ import annotations

import io
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console

from gibbsweep.cli.single import load_target
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
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 3
    assert sum("text/html" in o.get("data", {}) for o in outputs) == 1
    answer = notebook.cells[-1].outputs[0].text
    assert "The best k is" in answer
    assert "0% of the 12 runs diverged" in answer
