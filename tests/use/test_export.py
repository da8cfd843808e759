"""An exported run is loaded by PyTorch and ``gibbsweep_models`` alone, and served by MLflow without a pickle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tests.contracts.systems import stored_network
from tests.tiny import MeanConfig

import gibbsweep as gs
from gibbsweep.cli import main
from gibbsweep.errors import UserError
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.track import default_tracking_uri, sweep_runs, sync
from gibbsweep.train import Budget
from gibbsweep.use.export import export
from gibbsweep_models.draws import seeded
from gibbsweep_models.exported import load_exported
from gibbsweep_models.nn.weights_file import WeightsFile

Kinds = Callable[[str], Path]
ROOT = Path(__file__).resolve().parents[2]


def test_the_script_runs_where_gibbsweep_cannot_be_imported(kinds: Kinds, tmp_path: Path) -> None:
    """In one process for all kinds: whatever imports gibbsweep there fails."""
    names = ("rbm", "conditional", "forest", "gan", "filler", "classifier", "clip", "sounds")
    for name in names:
        export(gs.load(kinds(name)), tmp_path / name)
    code = (
        "import runpy, sys\n"
        "sys.modules['gibbsweep'] = None\n"
        "for folder in sys.argv[1:]:\n"
        "    runpy.run_path(folder + '/load_it.py', run_name='__main__')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "models")}
    words = [sys.executable, "-c", code, *(str(tmp_path / name) for name in names)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(names)
    assert lines[0].startswith("(16, 1, 8, 8)") and lines[2].startswith("(1,)") and lines[5].startswith("(1, 3)")


@pytest.mark.parametrize("name", ["rbm", "conditional", "gan", "forest"])
def test_exported_weights_give_the_same_numbers(name: str, kinds: Kinds, tmp_path: Path) -> None:
    model = gs.load(kinds(name))
    written = export(model, tmp_path / name)
    system = load_exported(tmp_path / name)
    assert not system.training
    state = model.system.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in system.state_dict().items())
    with torch.no_grad():
        if "sample" in model.can:
            assert torch.equal(system.sample(4, generator=seeded(5)).x, model.sample(4, seed=5).x)
        else:
            x = torch.rand(4, 1, 8, 8)
            assert torch.equal(system.anomaly_score(x, generator=seeded(0)), model.score(x))
    assert {path.suffix for path in written} <= {".json", ".safetensors", ".png", ".md", ".py"}
    export(model, tmp_path / name)  # again, into the same folder


def test_the_card_says_what_it_was_trained_on_and_what_it_measured(
    finished: tuple[Path, object], tmp_path: Path
) -> None:
    model = gs.load_best(finished[0], "rbm", k=2)
    export(model, tmp_path / "out")
    _, front, text = (tmp_path / "out" / "README.md").read_text().split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["datasets"] == ["digits"] and matter["pipeline_tag"] == "unconditional-image-generation"
    (result,) = matter["model-index"][0]["results"]
    measured = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert measured["log_likelihood"] == model.metrics["test/log_likelihood"]
    assert "Licence of the data: BSD" in text or "Licence of the data: CC" in text
    assert "`k` = 2" not in text.split("## How")[0] and "`learning_rate` = " in text
    for title in ("Use it", "What it was trained on", "What it measured", "Limits"):
        assert f"## {title}\n" in text
    record = json.loads((tmp_path / "out" / "config.json").read_text())
    assert record["metrics"]["test/log_likelihood"] == model.metrics["test/log_likelihood"]
    assert str(tmp_path) not in (tmp_path / "out" / "config.json").read_text() + text


def test_weights_that_came_from_elsewhere_come_along(tmp_path: Path) -> None:
    stored = stored_network()
    weights = tmp_path / "elsewhere.safetensors"
    weights.write_bytes(Path(stored.weights.path).read_bytes())
    config = replace(stored, weights=WeightsFile(str(weights), stored.weights.sha256))
    path = tmp_path / "t" / "trials" / "trained"
    run(Assignment("trained", "trained", "single", config, 0, "digits", Budget(2, 8, 2), path, precision="fp32"))
    model = gs.load(path)
    export(model, tmp_path / "out")
    expected = model.sample(2).x
    weights.unlink()
    (tmp_path / "out").rename(tmp_path / "moved")
    with torch.no_grad():
        assert torch.equal(load_exported(tmp_path / "moved").sample(2, generator=seeded(0)).x, expected)


def test_what_cannot_be_exported_is_refused(kinds: Kinds, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="holds other files"):
        export(gs.load(kinds("rbm")), tmp_path / "mine")
    with pytest.raises(UserError, match="is a file"):
        export(gs.load(kinds("rbm")), tmp_path / "mine" / "thesis.tex")
    for name, task, said in (("forest", "sample", "cannot sample"), ("gan", "score", "cannot score anomalies")):
        with pytest.raises(UserError, match=said):
            export(gs.load(kinds(name)), tmp_path / "new", mlflow=task)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()
    path = tmp_path / "t" / "trials" / "mean"
    run(Assignment("mean", "mean", "single", MeanConfig(), 0, "digits", Budget(2, 8, 2), path))
    with pytest.raises(UserError, match="none of gibbsweep_models, so that no one could load the export"):
        export(gs.load(path, own=(MeanConfig,)), tmp_path / "new")
    export(gs.load(kinds("rbm")), tmp_path / "out")
    (other,) = (path / "checkpoint").glob("*.safetensors")
    (tmp_path / "out" / "model.safetensors").write_bytes(other.read_bytes())
    with pytest.raises(ValueError, match="is of another system than"):
        load_exported(tmp_path / "out")


def test_mlflow_loads_a_model_from_code(kinds: Kinds, tmp_path: Path) -> None:
    import mlflow

    conditional, rbm = gs.load(kinds("conditional")), gs.load(kinds("rbm"))
    export(conditional, tmp_path / "c", mlflow="sample")
    export(rbm, tmp_path / "r", mlflow="score")
    for folder in ("c", "r"):
        files = [file for file in (tmp_path / folder).rglob("*") if file.is_file()]
        assert not [file for file in files if file.suffix in (".pkl", ".pickle", ".pt", ".pth", ".pyc")]
        described = (tmp_path / folder / "mlflow_model" / "MLmodel").read_text()
        assert str(tmp_path) not in described and str(ROOT) not in described
    sampler = mlflow.pyfunc.load_model(str(tmp_path / "c" / "mlflow_model"))
    drawn = sampler.predict(pd.DataFrame({"n": [3, 2], "seed": [7, 8], "class": [1, 2]}))
    expected = [conditional.sample(3, seed=7, classes=1).x, conditional.sample(2, seed=8, classes=2).x]
    assert np.array_equal(drawn, torch.cat(expected).numpy())
    assert sampler.predict(pd.DataFrame({"n": [2], "seed": [0]})).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="1 to 4096 samples"):
        sampler.predict(pd.DataFrame({"n": [9999], "seed": [0]}))
    x = torch.rand(3, 1, 8, 8).round()
    scorer = mlflow.pyfunc.load_model(str(tmp_path / "r" / "mlflow_model"))
    assert np.array_equal(scorer.predict(x.numpy()), rbm.score(x).numpy())
    assert scorer.metadata.signature.inputs.inputs[0].shape == (-1, 1, 8, 8)
    example = scorer.metadata.load_input_example(str(tmp_path / "r" / "mlflow_model"))
    assert scorer.predict(example).shape == (1,)


def test_a_tracked_run_gets_its_model(
    finished: tuple[Path, object],
    tmp_path: Path,
    seed_store: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    import mlflow

    path = tmp_path / "runs" / "s"
    shutil.copytree(finished[0], path)
    words = ["export", f"{path}:rbm-0001", "--to", str(tmp_path / "out"), "--mlflow", "score", "--track"]
    seed_store(tmp_path / "runs")
    with pytest.raises(SystemExit):
        main(words)
    assert "does not know the run 'rbm-0001' of 's': send it with `gibbsweep track sync" in capsys.readouterr().err
    uri = default_tracking_uri(tmp_path / "runs")
    assert not sync(path, tracking_uri=uri).error
    main(words)
    printed = capsys.readouterr().out.splitlines()[-1]
    model_uri = printed.split(" -m ")[1].split()[0]
    run_id = sweep_runs(uri, "s").set_index("trial").loc["rbm-0001", "run_id"]
    assert model_uri == f"runs:/{run_id}/model"
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(uri)
        x = torch.rand(2, 1, 8, 8).round()
        scores = mlflow.pyfunc.load_model(model_uri).predict(x.numpy())
    finally:
        mlflow.set_tracking_uri(before)
    assert np.array_equal(scores, gs.load(path / "trials" / "rbm-0001").score(x).numpy())
