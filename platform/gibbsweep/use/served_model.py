"""The program that MLflow's server runs for an exported model; it is copied into the folder that is served.

Nothing imports this module: MLflow executes it as a model from code, so that no pickle is read. It needs MLflow,
PyTorch and ``gibbsweep_models``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from gibbsweep_models.capabilities import HasAnomalyScore, HasEnergy
from gibbsweep_models.draws import seeded
from gibbsweep_models.exported import CONFIG, load_exported, spec_of
from gibbsweep_models.types import DataSpec
from gibbsweep_models.units import in_units

_MOST = 4096
"""Samples that one request may ask for."""


class ServedModel(PythonModel):
    """Samples, or scores of examples: the folder's ``model_config`` says which."""

    system: Any
    spec: DataSpec

    def load_context(self, context: PythonModelContext) -> None:
        """Load the system once, when the server starts."""
        self.system = load_exported(context.artifacts["model"])
        self.spec = spec_of(json.loads((Path(context.artifacts["model"]) / CONFIG).read_text())["spec"])

    # MLflow takes this hint for any table or array; of another one it would make a schema, in place of the signature.
    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> Any:
        """``sample``: rows with ``n``, ``seed`` and, of a model with classes, ``class`` -> the samples of all rows,
        (sum of n, *D). ``score``: examples (N, *D) -> (N,), high = unlike the training data.

        Raises ValueError, which the server answers with, for what cannot be drawn, and for examples in other units.
        """
        with torch.no_grad():
            if context.model_config["task"] == "score":
                x = torch.from_numpy(np.asarray(model_input, dtype=np.float32))
                return self._scores(in_units(x, self.spec, where="the input"))
            rows = model_input.to_dict("records")
            if sum(int(row["n"]) for row in rows) > _MOST or any(int(row["n"]) < 1 for row in rows):
                raise ValueError(f"a request draws from 1 to {_MOST} samples: ask for fewer, in several requests")
            return np.concatenate([self._samples(row) for row in rows])

    def _samples(self, row: dict[Any, Any]) -> Any:
        generator, n, label = seeded(int(row["seed"])), int(row["n"]), row.get("class")
        if label is None or math.isnan(label):  # NaN, where a column is absent in this row
            return self.system.sample(n, generator=generator).x.float().numpy()
        if not 0 <= label < (self.spec.n_classes or 0):
            known = f"0 to {self.spec.n_classes - 1}" if self.spec.n_classes else "none: the model knows no classes"
            raise ValueError(f"got class {label:g}, expected one of {known}")
        y = torch.full((n,), int(label), dtype=torch.int64)
        return self.system.sample_classes(y, generator=generator).x.float().numpy()

    def _scores(self, x: torch.Tensor) -> Any:
        if isinstance(self.system, HasAnomalyScore):
            return self.system.anomaly_score(x, generator=seeded(0)).float().numpy()
        if isinstance(self.system, HasEnergy):
            return self.system.energy(x).float().numpy()
        return -self.system.density(x, generator=seeded(0)).log_prob.float().numpy()


mlflow.models.set_model(ServedModel())
