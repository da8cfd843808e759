"""``gibbsweep score``: how unlike the training data files are."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from gibbsweep.cli.model.options import RunOptions, say
from gibbsweep.option import OrDefault


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(RunOptions):
    """The options of ``gibbsweep score``."""

    files: Annotated[Positional[tuple[Path, ...]], arg(help_behavior_hint="")] = ()
    """Pictures (PNG, JPEG), sounds (WAV), solids (OFF, OBJ, binvox) or arrays (.npz, .npy); a folder means those in
    it."""
    by: OrDefault[Literal["anomaly", "energy", "density"]] = None
    """The model's anomaly score, its energy in nats up to a constant, or -ln p in nats (default: the first of these
    that the model has)."""
    seed: int = 0
    """Seed of scores that draw noise."""
    csv: bool = False
    """Write a table with a comma between file and score."""


def score_files(options: ScoreOptions) -> None:
    """Score files by a trained run, a line each: high is unlike what it was trained on."""
    from gibbsweep.use.abilities import scores_of

    model = options.load()
    read = model.read(options.files)
    say(read.notes)
    scores = model.score(read.x, by=options.by, seed=options.seed).tolist()
    by = options.by or scores_of(model.system)[0]
    if options.csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(["file", by])
        table.writerows(zip(read.names, map(repr, scores), strict=True))
        return
    width = max(map(len, read.names))
    title = {"anomaly": "anomaly score", "energy": "energy (nats, up to a constant)", "density": "-ln p (nats)"}[by]
    say([f"{title}: high = unlike {model.data}"])
    for name, score in zip(read.names, scores, strict=True):
        print(f"{name:<{width}}  {score:.6g}")
