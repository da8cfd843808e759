"""Small trained runs of many kinds, and a whole sweep of the tiny study, without Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.in_process import sweep_here
from tests.tiny import STUDY

from gibbsweep.data import Metadata, write_parquet
from gibbsweep.results.results import Results
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.study import Study
from gibbsweep.train import Budget
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree
from gibbsweep_models.nn.energies.class_energies import ConvConfig
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.score.waveform import WaveformScoreConfig
from gibbsweep_models.types import SystemConfig

CLASSES = ("kite", "door", "toy")
KINDS: dict[str, tuple[SystemConfig, str]] = {
    "rbm": (RBMConfig(n_hidden=6, sample_steps=5, annealing_chains=10, equilibration=10), "told"),
    "score": (ScoreModelConfig(UNetConfig((4, 4)), sampler=Heun(3), ema_decay=0.5), "told"),
    "conditional": (
        ScoreModelConfig(UNetConfig((4, 4)), sampler=Heun(3), conditional=True, guidance=ClassifierFree(1.0)),
        "told",
    ),
    "ten_classes": (
        ScoreModelConfig(UNetConfig((4, 4)), sampler=Heun(3), conditional=True, guidance=ClassifierFree(1.0)),
        "digits",
    ),
    "forest": (IsolationForestConfig(n_trees=10, n_examples=50), "told"),
    "gan": (GANConfig(channels=(4, 4)), "told"),
    "filler": (ClassicalInpainterConfig("biharmonic"), "told"),
    "classifier": (ClassifierConfig(ConvConfig((4, 4))), "told"),
    "clip": (CLIPConfig(channels=(4, 8), width=8, embedding=8), "told"),
    "ring": (ScoreModelConfig(VectorNetConfig(8, 1), sampler=Heun(3)), "ring8"),
    "solids": (GANConfig(channels=(4, 4)), "solids"),
    "sounds": (WaveformScoreConfig(UNetConfig((4, 8)), conditional=True, sampler=Heun(3)), "tones@256"),
}
"""The configuration of each kind, and what it is trained on."""


def write_told(root: Path) -> None:
    """Write the data set ``told``: 8 x 8 pictures of three classes, with captions."""
    generator = np.random.default_rng(0)
    for split, n in (("train", 60), ("test", 12)):
        images = generator.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8)
        labels = np.arange(n) % 3
        # Equal captions would stay together in one split, and with them all examples of a class.
        captions = [f"{('a red kite', 'the red door', 'a kite')[label]} {i}" for i, label in enumerate(labels)]
        (root / "told").mkdir(parents=True, exist_ok=True)
        metadata = Metadata(classes=CLASSES, source="a test", licence="CC0")
        write_parquet(root / "told" / f"{split}.parquet", images, labels, captions, metadata=metadata)


def train_kind(folder: Path, name: str) -> Path:
    """The run of a kind in ``folder``, trained for two updates."""
    config, data = KINDS[name]
    path = folder / "runs" / "train-kinds" / "trials" / name
    assignment = Assignment(name, name, "single", config, 0, data, Budget(2, 8, 2), path, precision="fp32")
    outcome = run(replace(assignment, data_root=folder / "data"))
    assert outcome.kind == "completed", outcome.message
    return path


def tiny_sweep(
    runs: Path, study: Study = STUDY, *, stop_after: int | None = None, **options: Any
) -> tuple[Path, Results | None]:
    """A smoke sweep of the tiny study in this process: its folder and its table, None where it stopped after so many
    runs."""
    return sweep_here(study, SweepOptions(runs=runs, **{"name": "s", "budget": "smoke", **options}), stop_after)
