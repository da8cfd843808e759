"""A trained model in the form that ``mlflow models serve`` serves: a model from code, with its signature, an input
example and no pickle."""

from __future__ import annotations

import logging
import os
import shlex
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.track.mirror.describe import run_key
from gibbsweep.track.stores.query import reader
from gibbsweep.track.stores.store import configure_mlflow, runs_with_key
from gibbsweep.track.stores.uri import redact

MODEL = "model"
"""The folder of a model among the artifacts of its run."""

_NEEDED = ("mlflow", "torch", "numpy", "pandas", "safetensors", "scipy", "scikit-learn", "scikit-image", "pillow")
"""What the server's environment needs beside the code in the folder."""


@dataclass(frozen=True)
class Serving:
    """What is served. For example::

    Serving("score", (1, 28, 28), classes=False, example=numpy.zeros((1, 1, 28, 28), "float32"))
    """

    task: Literal["sample", "score"]
    """``sample``: rows of ``n`` and ``seed`` (and ``class``) -> samples; ``score``: examples -> scores."""
    shape: tuple[int, ...]
    """The shape of one example."""
    classes: bool
    """Whether a row of ``sample`` may name a class."""
    example: Any
    """An example (1, *D) as a NumPy array."""


def save_served(folder: Path, code: Path, packages: list[Path], weights: Path, serving: Serving) -> None:
    """Write an MLflow model to ``folder``, which must not exist.

    ``code``: the program that MLflow runs, with what it imports in ``packages`` (folders of Python packages); both are
    copied, as are the ``weights`` (a folder). MLflow's own tracking is not touched.
    """
    configure_mlflow()
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    examples = Schema([TensorSpec(_float32(), (-1, *serving.shape))])
    if serving.task == "score":
        inputs, outputs, example = examples, Schema([TensorSpec(_float32(), (-1,))]), serving.example
    else:
        columns = [ColSpec("long", "n"), ColSpec("long", "seed")]
        optional = [ColSpec("long", "class", required=False)] if serving.classes else []
        inputs, outputs = Schema([*columns, *optional]), examples
        example = pd.DataFrame({"n": [4], "seed": [0], **({"class": [0]} if serving.classes else {})})
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(code),
            artifacts={"model": str(weights)},
            model_config={"task": serving.task},
            code_paths=[str(package) for package in packages],
            signature=ModelSignature(inputs=inputs, outputs=outputs),
            input_example=example,
            pip_requirements=[f"{name}=={version(name).partition('+')[0]}" for name in _NEEDED],
        )
    finally:
        logger.setLevel(level)
    _forget_paths(folder)


def log_served(folder: Path, run: RunFolder, tracking_uri: str) -> str:
    """Add the MLflow model in ``folder`` to the tracked run of a run's folder; returns the URI by which MLflow finds
    it. Raises UserError where the store does not know the run."""
    client = reader(tracking_uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    path = run.path.absolute()
    sweep = RunFolder(path).sweep
    found = runs_with_key(client, experiments, run_key(sweep.name, path.name))
    if not found:
        raise UserError(
            f"{redact(tracking_uri)} does not know the run {path.name!r} of {sweep.name!r}: send it with "
            f"`gibbsweep track sync {shlex.quote(str(sweep.path))}`, or name another store."
        )
    run_id = found[0].info.run_id
    client.log_artifacts(run_id, str(folder), MODEL)
    return f"runs:/{run_id}/{MODEL}"


def _forget_paths(folder: Path) -> None:
    """Leave no path of this machine in the model's description: MLflow reads the names of the files alone."""
    from mlflow.models import Model

    description = Model.load(str(folder))
    flavour = description.flavors["python_function"]
    flavour["model_code_path"] = Path(flavour["model_code_path"]).name
    for artifact in flavour["artifacts"].values():
        artifact["uri"] = artifact["path"]
    description.save(str(folder / "MLmodel"))


def _float32() -> Any:
    import numpy as np

    return np.dtype(np.float32)
