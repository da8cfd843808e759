"""A trained run as a folder that needs PyTorch and ``gibbsweep_models`` alone: weights, configuration, model card and a
script that loads it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save

import gibbsweep_models
from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.folder import RunFolder, write_atomically, write_json
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.data_spec import SPEC
from gibbsweep.track.served import Serving, save_served
from gibbsweep.use.card import model_card
from gibbsweep.use.model import Model
from gibbsweep.use.writing import usual_suffix, write_examples
from gibbsweep_models.exported import CONFIG, WEIGHTS, full_name
from gibbsweep_models.nn.weights_file import WeightsFile

CARD = "README.md"
SCRIPT = "load_it.py"
MLFLOW = "mlflow_model"
Task = Literal["sample", "score"]

_PROGRAM = Path(__file__).with_name("served_model.py")
_SAMPLES = 64
_LINES = {
    "sample": ("x = system.sample(16, generator=seeded(0)).x", "x"),
    "draw captions": ("x = system.depict(torch.full((1, {text_length}), 2), generator=seeded(0)).x", "x"),
    "score anomalies": ("scores = system.anomaly_score(torch.zeros(1, *{shape}), generator=seeded(0))", "scores"),
    "denoise": ("x = system.denoise(torch.zeros(1, *{shape}), torch.tensor([0.2]), generator=seeded(0))", "x"),
    "inpaint": (
        "x = system.inpaint(torch.zeros(1, *{shape}), torch.rand(1, *{shape}) < 0.5, generator=seeded(0))",
        "x",
    ),
    "classify": ("logits = system.logits(torch.zeros(1, *{shape}))", "logits"),
    "state features": ("features = system.features(torch.zeros(1, *{shape}))", "features"),
    "state energies": ("energies = system.energy(torch.zeros(1, *{shape}))", "energies"),
}
"""What the script does with the system: the first of these that it can."""


def export(model: Model, to: Path, *, mlflow: Task | None = None) -> list[Path]:
    """Write ``model`` to the folder ``to``: ``config.json``, ``model.safetensors``, ``README.md`` (a model card),
    ``load_it.py``, samples where it draws, and with ``mlflow`` the folder ``mlflow_model``, which ``mlflow models
    serve`` serves for that task. Returns what was written.

    Raises UserError where ``to`` holds other files, or the model is of a class that is none of ``gibbsweep_models``.
    """
    _check_folder(to)
    record = read_json_object(RunFolder(model.path).config)
    foreign = sorted({name for name in record["classes"].values() if not name.startswith("gibbsweep_models.")})
    if foreign:
        raise UserError(
            f"{model.path} is of the class {foreign[0]}, which is none of gibbsweep_models, so that no one could load "
            "the export without your code: share the run's folder with the study's script, and load it with "
            "gibbsweep.load(RUN, study=SCRIPT)."
        )
    if mlflow is not None:
        check_task(model, mlflow)
    try:
        names = _write_system(model, record, to)
        if "sample" in model.can:
            suffix = usual_suffix(model.spec)
            write_examples(to / f"samples{suffix}", model.sample(_SAMPLES), model.spec)
            names.append(f"samples{suffix}")
        write_atomically(to / CARD, model_card(model, names).encode())
        write_atomically(to / SCRIPT, _script(model).encode())
        names += [CARD, SCRIPT]
        if mlflow is not None:
            _write_served(model, record, to / MLFLOW, mlflow)
            names.append(MLFLOW)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise UserError(f"{to} cannot be written ({error.strerror or error}): choose another folder.") from error
    return [to / name for name in names]


def check_task(model: Model, task: Task) -> None:
    """Raise UserError unless ``model`` can be served for ``task``."""
    if task == "sample":
        model.need("sample")
    elif not {"score anomalies", "state energies", "state densities"} & set(model.can):
        model.need("score anomalies")


def _check_folder(to: Path) -> None:
    """Raise UserError where ``to`` is a file, or holds something that no export has written."""
    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is a file: name a folder to export to.")
    if to.is_dir() and any(to.iterdir()) and not (to / WEIGHTS).exists():
        raise UserError(f"{to} holds other files: name a new folder, or one that an export has made.")


def _write_system(model: Model, record: Mapping[str, Any], to: Path) -> list[str]:
    """Write weights and configuration; returns the names of their files."""
    # A tensor under two names is written twice: safetensors has no aliases, and an export is read by anything.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in model.system.state_dict().items()}
    params, files = dict(record["params"]), []
    for path, name in record["classes"].items():
        if name == full_name(WeightsFile):  # of a network that was trained elsewhere: it comes with the export
            source = Path(params[f"{path}.path"])
            copied = f"{path.replace('.', '_')}.safetensors"
            write_atomically(to / copied, source.read_bytes())
            params[f"{path}.path"] = copied
            files.append(copied)
    write_atomically(to / WEIGHTS, save(tensors))
    write_json(
        to / CONFIG,
        {
            "format": 1,
            "classes": record["classes"],
            "params": params,
            "spec": record[SPEC],
            "data": record["data"],
            "contender": record["contender"],
            "seed": record["seed"],
            "step": model.step,
            "metrics": {name: value for name, value in model.metrics.items() if name.startswith("test/")},
        },
    )
    return [CONFIG, WEIGHTS, *files]


def _script(model: Model) -> str:
    """A script that loads the folder it stands in, and does what the model can."""
    line, result = next((_LINES[ability] for ability in _LINES if ability in model.can), ("", "system"))
    line = line.format(shape=model.spec.shape, text_length=model.spec.text_length)
    show = f"print(tuple({result}.shape), float({result}.min()), float({result}.max()))" if line else "print(system)"
    return f'''"""Load the model beside this file: needs torch, safetensors and gibbsweep_models alone."""

from pathlib import Path

import torch
from gibbsweep_models.draws import seeded
from gibbsweep_models.exported import load_exported

system = load_exported(Path(__file__).parent)
with torch.no_grad():
    {line or "pass"}
{show}
'''


def _write_served(model: Model, record: Mapping[str, Any], folder: Path, task: Task) -> None:
    """Write the folder that MLflow serves."""
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        _write_system(model, record, Path(temporary) / "weights")
        classes = task == "sample" and "sample classes" in model.can
        example = (
            model.sample(1).x.cpu().numpy() if "sample" in model.can else torch.zeros(1, *model.spec.shape).numpy()
        )
        served = Serving(task, model.spec.shape, classes, example)
        save_served(folder, _PROGRAM, [_package(Path(temporary))], Path(temporary) / "weights", served)


def _package(folder: Path) -> Path:
    """A copy of ``gibbsweep_models`` in ``folder``, without what Python has compiled."""
    package = Path(gibbsweep_models.__file__).parent
    return shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
