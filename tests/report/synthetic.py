"""Folders of sweeps as the engine leaves them, of any size, without training anything."""

from __future__ import annotations

import json
import math
import random
import struct
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gibbsweep.evaluate.drawing.solids import TURNED_EDGE, TURNS, turned_solids
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.folder.numbers import json_metrics
from gibbsweep.results.accounting import Accounting
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.study.goal import Goal
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.plan.outline import Outline, write_outline

GOAL = Goal("validation/log_likelihood", "maximize")
SECOND = Goal("validation/frechet_distance", "minimize")
SPACE = {
    "k": {"choice": [1, 10, 25]},
    "learning_rate": {"float": [0.005, 0.5], "log": True},
    "momentum": {"float": [0.0, 0.95], "log": False},
    "centred": {"choice": [True, False]},
}
RECIPE = {"class": "RBMConfig", "k": 1, "learning_rate": 0.05, "momentum": 0.5, "centred": True}


def synthetic_sweep(
    runs: Path,
    name: str = "made",
    *,
    trials: int = 24,
    points: int = 12,
    finished: bool = True,
    goals: tuple[Goal, ...] = (GOAL,),
    question: str = "Does a longer chain buy likelihood and stability?",
    media: bool = True,
) -> SweepDir:
    """A sweep of an RBM with three values of k and of a baseline, with rungs, divergences, pictures and sounds."""
    chance = random.Random(name)
    sweep = SweepDir(runs / name)
    updates = 100 * points
    rungs = (updates // 9, updates // 3)
    goal = vars(goals[0]) if len(goals) == 1 else [vars(one) for one in goals]
    one = {"config": RECIPE, "space": SPACE, "compare": "k", "goal": goal, "budget": {"updates": updates}}
    baseline = {**one, "compare": None, "space": {"width": {"int": [8, 64], "log": True}}, "config": {"width": 16}}
    record = {
        "name": name, "study": "cd_k", "question": question, "data": "mnist5k", "budget": "laptop",
        "options": {"contenders": ["rbm", "vae"], "trials": 8, "seeds": 3, "budget": "laptop", "rungs": None},
        "script_options": {}, "fingerprint": {"rbm": one, "vae": baseline}, "git_commit": "0123456789ab",
        "created": 1.7e9,
    }  # fmt: skip
    sweep.trials.mkdir(parents=True)
    sweep.record_path.write_text(json.dumps(record))
    command = f"python sweeps/cd_k.py --resume {name}"
    sweep.driver.write_text(json.dumps({"host": "h", "pid": 1, "started": 1.7e9, "command": command, "folder": ""}))
    seeds = [f"rbm-k={k}-seed{seed}" for k in (1, 10, 25) for seed in (1, 2, 3)]
    outline = Outline(trials, updates, rungs, float(updates), goals, tuple(seeds))
    write_outline(sweep, {"rbm": outline, "vae": replace(outline, trials=4, retrainings=("vae-seed1",))})
    made: dict[str, tuple[list[Outcome], dict[tuple[str, int], Outcome]]] = {}
    for number in range(trials):
        values: dict[str, Any] = {
            "k": (1, 10, 25)[number % 3],
            "learning_rate": 10 ** chance.uniform(-2.3, -0.3),
            "momentum": chance.uniform(0, 0.95),
            "centred": chance.random() < 0.5,
        }
        end = updates if number % 3 == number % 5 or trials < 5 else chance.choice([*rungs, updates])
        kind = "diverged" if values["learning_rate"] > 0.4 else "completed" if end == updates else "pruned"
        outcome = _run(sweep, f"rbm-{number:04d}", "rbm", "search", 0, values, end, points, kind, goals, chance)
        made.setdefault(f"k={values['k']}", ([], {}))[0].append(outcome)
    for number in range(4):
        outcome = _run(
            sweep,
            f"vae-{number:04d}",
            "vae",
            "search",
            0,
            {"width": 8 << number},
            updates,
            points,
            "completed",
            goals,
            chance,
        )
        made.setdefault("vae", ([], {}))[0].append(outcome)
    if not finished:
        return sweep
    for k in (1, 10, 25):
        for seed in (1, 2, 3):
            values = {"k": k, "learning_rate": 0.05, "momentum": 0.5, "centred": True}
            run = f"rbm-k={k}-seed{seed}"
            outcome = _run(
                sweep, run, "rbm", "retrain", seed, values, updates, points, "completed", goals, chance, media
            )
            made.setdefault(f"k={k}", ([], {}))[1]["mnist5k", seed] = outcome
    made["vae"][1]["mnist5k", 1] = _run(
        sweep, "vae-seed1", "vae", "retrain", 1, {"width": 16}, updates, points, "completed", goals, chance, media
    )
    rows = [
        Row.of(
            "rbm" if label != "vae" else "vae", "energy" if label != "vae" else "baseline",
            {"k": int(label[2:])} if label != "vae" else {}, {"k": 1, "learning_rate": 0.0512, "momentum": 0.5},
            *outcomes,
        )
        for label, outcomes in sorted(made.items())
    ]  # fmt: skip
    every = [outcome for search, retrained in made.values() for outcome in (*search, *retrained.values())]
    results = Results(
        study="cd_k", question=question, data="mnist5k", budget="laptop", device="CPU (made)", commit="0123456789ab",
        columns={"test/log_likelihood": "log p", "test/energy_gap": "gap"}, rows=rows, wall_seconds=321.0,
        findings=["A longer chain is better."], note="All of this is made up.", source="made",
        importances={"rbm": {"k": 0.4, "k=1 learning_rate": 0.1, "k=10 learning_rate": 0.2, "k=25 momentum": 0.05}},
        accounting=Accounting.of(every, devices=2, available=1000.0),
    )  # fmt: skip
    results.write(sweep.results)
    return sweep


def _run(
    sweep: SweepDir,
    name: str,
    contender: str,
    kind: str,
    seed: int,
    values: dict[str, Any],
    end: int,
    points: int,
    ending: str,
    goals: tuple[Goal, ...],
    chance: random.Random,
    media: bool = False,
) -> Outcome:
    folder = RunFolder(sweep.trial(name))
    folder.path.mkdir()
    config = {"contender": contender, "kind": kind, "seed": seed, "params": values, "searched": sorted(values),
              "data": {"name": "mnist5k"}}  # fmt: skip
    folder.config.write_text(json.dumps(config))
    rate = values.get("learning_rate", 0.05)
    best = -110.0 - 20 * abs(math.log10(rate / 0.05)) - 12 / values.get("k", 2) + chance.gauss(0, 1)
    cost = 0.002 * (2 + values.get("k", 1))
    lines, metrics = [], dict[str, float]()
    every = max(1, 100 * points // points)
    for step in range(every, end + 1, every):
        value = best - 90 * math.exp(-step / (20 * every / 6)) + chance.gauss(0, 0.4)
        metrics = {
            "train/cd/loss": -4.0 + chance.gauss(0, 0.1),
            "train/device_seconds": step * cost,
            "validation/log_likelihood": value,
            "validation/frechet_distance": 40 + 0.5 * abs(value + 150) + chance.gauss(0, 3),
        }
        if ending == "diverged" and step > end - every:
            metrics["validation/log_likelihood"] = math.nan
        lines.append(json.dumps({"step": step, "time": 1.7e9 + step, "metrics": json_metrics(metrics)}))
    folder.spool.write_text("".join(f"{line}\n" for line in lines))
    if kind == "retrain":
        metrics |= {"test/log_likelihood": best - 1, "test/energy_gap": chance.gauss(-15, 2)}
    message = "cd: the energy gap is 812.4, above its bound of 500" if ending == "diverged" else ""
    outcome = Outcome(ending, end, metrics, end * cost, message, phase="cd" if message else "")  # type: ignore[arg-type]
    outcome.write(folder.path)
    if media:
        noise = np.random.default_rng(seed)
        for step in range(every, end + 1, max(every, end // 6)):
            _picture(folder.image("samples", step), noise, step / end)
        _picture(folder.image("test/samples", end), noise, 1.0)
        _sound(folder.sound("test/samples", end), 220.0 * (1 + seed))
        _solids(folder.image(f"test/voxels_{TURNS}_sides", end), noise)
    return outcome


def _picture(path: Path, noise: np.random.Generator, share: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:120, 0:120]
    grid = 127 * (1 + np.sin(x / 9) * np.cos(y / 9)) * share + noise.uniform(0, 255, (120, 120)) * (1 - share)
    Image.fromarray(grid.clip(0, 255).astype(np.uint8)).save(path)


def _solids(path: Path, noise: np.random.Generator) -> None:
    """Three chairs, with a leg that a throw of the dice makes shorter."""
    chairs = np.zeros((3, 16, 16, 16), bool)
    chairs[:, 3:13, 3:13, 7:9] = chairs[:, 3:5, 3:13, 7:15] = True
    for x, y in ((3, 3), (3, 11), (11, 3), (11, 11)):
        chairs[:, x : x + 2, y : y + 2, :7] = True
    for chair in chairs:
        chair[11:13, 11:13, : noise.integers(0, 7)] = False
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(turned_solids(chairs, TURNED_EDGE, TURNS)).save(path)


def _sound(path: Path, frequency: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(8000 * math.sin(2 * math.pi * frequency * i / 8000)) for i in range(1600))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
