"""The classifier whose last hidden layer is the feature space of a data set: trained once, cached, and used by all
runs."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors.torch import load as load_tensors
from safetensors.torch import save
from torch import Tensor

from gibbsweep.data import Dataset, DataView, load
from gibbsweep.data.catalogue.folders import cache_root
from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder, as_file_name, write_atomically
from gibbsweep.train import Budget, train
from gibbsweep.train.checkpoint import load_weights
from gibbsweep.train.report import Images, Sounds
from gibbsweep_models import parallel
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig, FeatureClassifierSystem

_log = logging.getLogger(__name__)

BATCH = 128
BRIEF_UPDATES = 50
"""Of a brief training."""
_CONFIGS = {
    2: FeatureClassifierConfig(),
    3: FeatureClassifierConfig(),
    4: FeatureClassifierConfig(channels=(8, 16, 32)),  # a convolution over three axes costs an axis more
}
"""The classifier by the number of axes of an example: waveforms (C, T), images (C, H, W), solids (C, X, Y, Z)."""


@dataclass(frozen=True)
class PreparedClassifier:
    """A trained classifier of a data set, as its cache file has it."""

    system: FeatureClassifierSystem
    """The classifier, without gradients."""
    data: str
    """Name of the data set."""
    fingerprint: str
    """The data set's, so that other data of one name have another classifier."""
    accuracy: float
    """Share of the validation examples that it labels rightly."""
    validation_rows: int
    """Number of validation examples: those that every study sets aside from the training file. It was not trained on
    them, and the test split is not touched."""
    n_features: int
    """Size of its last hidden layer."""
    updates: int
    """Number of updates of its training."""
    seconds: float
    """Device seconds of its training."""
    path: Path
    """The cache file."""


def prepared_classifier(dataset: Dataset, *, brief: bool = False) -> PreparedClassifier:
    """The classifier of ``dataset``, trained first (a minute or two on one core, a twentieth of it if ``brief``) if no
    process of this node has done so. The log says how far a training is.

    A view that is a part of a set has the classifier of the whole set, in the view's size and rate. Other processes
    wait for the training under a file lock. A process that is killed leaves at most a checkpoint, from which the next
    one continues. Raises UserError where the data have no labels or another shape, or where the cache folder cannot be
    written to.
    """
    view = DataView(dataset.view.name, size=dataset.view.size, rate=dataset.view.rate)
    return _prepared(view, dataset.root, cache_root(), brief)


@cache
def _prepared(view: DataView, root: Path | None, cache_folder: Path, brief: bool = False) -> PreparedClassifier:
    # Always the same splits in the same units, whatever the study at hand cuts.
    dataset = load(view, root=root, units="signed")
    if dataset.spec.n_classes is None or dataset.spec.n_classes < 2:
        raise UserError(
            f"data set '{dataset.name}' has no labels to train a feature network on: choose a data set with labels "
            "(see gibbsweep data list), or the features 'inception' where the evaluator has a field of that name."
        )
    if len(dataset.spec.shape) - 1 not in (1, 2, 3):
        raise UserError(
            f"data set '{dataset.name}' has examples of {dataset.spec.shape}: a feature network needs waveforms (C, "
            "T), images (C, H, W) or solids (C, X, Y, Z); choose such a set."
        )
    config, budget = _CONFIGS[len(dataset.spec.shape)], _budget(dataset)
    if brief:
        updates = min(BRIEF_UPDATES, budget.updates)
        budget = replace(budget, updates=updates, report_every=updates)
    design = hashlib.sha256(f"{config} {budget}".encode()).hexdigest()[:8]
    path = cache_folder / "classifiers" / f"{as_file_name(dataset.name)}-{dataset.fingerprint}-{design}.json"
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.exists():
                    _train(dataset, config, budget, path)
        except OSError as error:
            raise UserError(
                f"cannot write to the cache folder {path.parent} ({error.strerror or error}): point GIBBSWEEP_CACHE to "
                "a folder with free space that you may write to."
            ) from error
    return _read(path, config, dataset)


def _budget(dataset: Dataset) -> Budget:
    if len(dataset.spec.shape) == 2:  # a second of sound is a picture of thousands of pixels
        return Budget(updates=400, batch_size=min(BATCH // 2, len(dataset.train)), report_every=200)
    return Budget(updates=1000, batch_size=min(BATCH, len(dataset.train)), report_every=250)


def _train(dataset: Dataset, config: FeatureClassifierConfig, budget: Budget, path: Path) -> None:
    _log.info(
        "training the classifier of %s, once, in %d updates: its features measure distances",
        dataset.name,
        budget.updates,
    )
    run_dir = path.with_suffix(".run")
    # The global generator draws initial weights: the run that waits for this must find the generator as it was. A trial
    # evaluates without gradients and while its other workers wait; this trains, alone.
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), parallel.alone():
        torch.manual_seed(0)
        system = config.build(dataset.spec)
        outcome = train(
            system,
            dataset.train,
            budget,
            report=_Progress(dataset.name, budget.updates),
            run_dir=run_dir,
            seed=0,
            precision="fp32",
        )
    if outcome.kind != "completed":
        raise UserError(f"the classifier of '{dataset.name}' cannot be trained ({outcome.message}): look at the data.")
    load_weights(RunFolder(run_dir).checkpoint, system)
    accuracy, rows = accuracy_of(system.eval(), dataset)
    tensors = save({key: tensor.contiguous() for key, tensor in system.state_dict().items()})
    write_atomically(path.with_suffix(".safetensors"), tensors)
    record: dict[str, Any] = {
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "accuracy": accuracy,
        "validation_rows": rows,
        "n_features": config.n_features,
        "updates": outcome.step,
        "seconds": round(outcome.device_seconds, 1),
        "config": vars(config),
        "budget": vars(budget),
        "sha256": hashlib.sha256(tensors).hexdigest(),
    }
    write_atomically(path, json.dumps(record, indent=1).encode())
    shutil.rmtree(run_dir)
    _log.info("classifier of %s: accuracy %.4f on %d validation examples", dataset.name, accuracy, rows)


class _Progress:
    """Logs how far a training is."""

    def __init__(self, name: str, updates: int) -> None:
        self.name, self.updates, self.start = name, updates, time.monotonic()

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        del metrics, images, sounds
        seconds = time.monotonic() - self.start
        _log.info("classifier of %s: %d of %d updates, %.0f s", self.name, step, self.updates, seconds)


@torch.no_grad()
def accuracy_of(system: FeatureClassifierSystem, dataset: Dataset, *, batch_size: int = 256) -> tuple[float, int]:
    """The share of the validation split that ``system`` labels rightly, and the size of that split."""
    split = dataset.validation
    right = 0
    for indices in torch.split(torch.arange(len(split)), batch_size):
        batch = split.batch(indices)
        right += int((system.logits(batch["x"]).argmax(1) == batch["y"]).sum())
    return right / len(split), len(split)


def _read(path: Path, config: FeatureClassifierConfig, dataset: Dataset) -> PreparedClassifier:
    advice = "delete it, and it is trained again"
    try:
        record = json.loads(path.read_text())
        tensors = path.with_suffix(".safetensors").read_bytes()
        if hashlib.sha256(tensors).hexdigest() != record["sha256"]:
            raise ValueError("the weights are not those that were written")
        weights: dict[str, Tensor] = load_tensors(tensors)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"cannot read the feature network {path} ({error}): {advice}.") from error
    with torch.random.fork_rng(devices=[]):
        system = config.build(dataset.spec)
    system.load_state_dict(weights)
    system.requires_grad_(False).eval()
    fields = ("data", "fingerprint", "accuracy", "validation_rows", "n_features", "updates", "seconds")
    return PreparedClassifier(system, **{name: record[name] for name in fields}, path=path)
