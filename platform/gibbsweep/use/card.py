"""The model card of an exported run, in the form that the Hugging Face hub reads: what the model is, what it was
trained on, what it measured, and its limits."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.loading.view import view_of
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.folder.whole import read_json_object
from gibbsweep.study.headings import HEADINGS
from gibbsweep.use.model import Model
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.exported import CONFIG

_IMAGES = "unconditional-image-generation"
"""The hub's name of a task; it has none for sounds without text, and for solids."""


def model_card(model: Model, files: Collection[str]) -> str:
    """The text of README.md for an exported ``model``, beside ``files`` of the same folder."""
    record = read_json_object(RunFolder(model.path).config)
    outcome = Outcome.read(model.path)
    name = f"{record['contender']} on {model.data}"
    tests = {key: value for key, value in model.metrics.items() if key.startswith("test/") and math.isfinite(value)}
    sections = {
        "Use it": [
            "`load_it.py` loads it, with PyTorch and `gibbsweep_models` alone:",
            "",
            "    python load_it.py",
            "",
            f"An example is {model.spec.shape}, {_units(model)}.",
            *([f"Classes 0 to {len(model.classes) - 1}: {', '.join(model.classes)}."] if model.classes else []),
            *(["", "![Samples from noise, none of them chosen](samples.png)"] if "samples.png" in files else []),
        ],
        "What it was trained on": _data(model, record),
        "How it was trained": _training(model, record, outcome),
        "What it measured": _numbers(tests),
        "Limits": _limits(model, record, outcome),
    }
    lines = [
        *_front_matter(model, name, tests),
        "",
        f"# {name}",
        "",
        f"Gibbsweep trained this `{type(model.system).__name__}`. It can {', '.join(model.can)}.",
    ]
    for title, body in sections.items():
        lines += ["", f"## {title}", "", *body]
    return "\n".join(lines) + "\n"


def _front_matter(model: Model, name: str, tests: Mapping[str, float]) -> list[str]:
    """The YAML block of the hub. Values are JSON, which YAML reads."""
    drawn = "sample" in model.can and len(model.spec.shape) == 3
    task, data = _IMAGES if drawn else "other", view_of(model.data).name
    package = type(model.config).__module__.split(".")[1] if "." in type(model.config).__module__ else ""
    lines = [
        "---",
        "library_name: gibbsweep_models",
        *([f"pipeline_tag: {_IMAGES}"] if drawn else []),
        "tags:",
        "- pytorch",
        "- gibbsweep",
        *({"energy": ["- energy-based-model"], "score": ["- score-based-model"]}.get(package, [])),
        "datasets:",
        f"- {json.dumps(data)}",
    ]
    if tests:
        lines += [
            "model-index:",
            f"- name: {json.dumps(name)}",
            "  results:",
            f"  - task: {{type: {task}}}",
            f"    dataset: {{name: {json.dumps(model.data)}, type: {json.dumps(data)}, split: test}}",
            "    metrics:",
            *(
                f"    - {{type: {json.dumps(key.removeprefix('test/'))}, value: {json.dumps(value)}}}"
                for key, value in tests.items()
            ),
        ]
    return [*lines, "---"]


def _units(model: Model) -> str:
    if model.spec.units == "binary":
        return "0 or 1 each"
    if len(model.spec.shape) == 1:
        return "real values"
    rate = model.spec.sampling_rate
    return f"amplitudes in [-1, 1] at {rate} Hz" if rate else "values in [-1, 1]"


def _data(model: Model, record: Mapping[str, Any]) -> list[str]:
    data, entry = record["data"], entry_of(view_of(model.data).name)
    licence = entry.licence if entry is not None else "not known to Gibbsweep's catalogue: ask whoever made the set"
    return [
        f"- Data set: `{data['name']}`, {data['rows']:,} training examples, none of the test split's",
        f"- Source: {data.get('source') or 'not stated'}",
        f"- Licence of the data: {licence}",
        f"- Fingerprint of the examples: `{data['fingerprint']}`",
        "- Licence of these weights: none is chosen; name one that the data's allows, as `license:` above",
    ]


def _training(model: Model, record: Mapping[str, Any], outcome: Outcome | None) -> list[str]:
    searched = {path: record["params"].get(path) for path in record.get("searched", [])}
    spent = "" if outcome is None else f", {outcome.device_seconds:.0f} device-seconds on {outcome.device or 'a CPU'}"
    arithmetic = f", {outcome.precision}" if outcome is not None and outcome.precision else ""
    examples = record["budget"]["batch_size"]
    how = f"{model.step:,} updates of up to {examples} examples"
    if isinstance(model.system, CanFit):
        how = "Fitted once to the training examples, without updates"
    lines = [
        f"- {how}, seed {record['seed']}{spent}{arithmetic}",
        f"- Averaged weights where the configuration has an average; the whole configuration is in `{CONFIG}`",
        f"- Code: commit `{record.get('git_commit', 'unknown')}`",
    ]
    if searched:
        chosen = ", ".join(f"`{path}` = {value}" for path, value in searched.items())
        lines.insert(1, f"- Chosen by a hyperparameter search on validation data: {chosen}")
    return lines


def _numbers(tests: Mapping[str, float]) -> list[str]:
    if not tests:
        return ["Nothing on the test split: `gibbsweep evaluate` measures the run."]
    rows = [
        f"| {HEADINGS.get(key.removeprefix('test/'), '')} | `{key}` | {value:.5g} |"
        for key, value in sorted(tests.items())
    ]
    return [
        "On the test split, by this one training; another seed gives other numbers.",
        "",
        "| | metric | value |",
        "|---|---|---|",
        *rows,
    ]


def _limits(model: Model, record: Mapping[str, Any], outcome: Outcome | None) -> list[str]:
    rows = record["data"]["rows"]
    lines = [
        f"- It knows {rows:,} examples of `{model.data}` with their biases and gaps, and nothing else.",
        "- What is unlike them it scores as anomalous, harmless or not.",
        "- It was trained to compare methods at equal compute, not to be deployed or to decide about people.",
    ]
    if {"state energies", "score anomalies"} & set(model.can):
        lines.append(
            "- Its energies and anomaly scores have no absolute meaning: compare them among examples of the same model."
        )
    if outcome is None or outcome.kind != "completed":
        how = "has not ended" if outcome is None else f"ended as {outcome.kind}"
        lines.append(f"- Its training {how}: these are the weights after {model.step:,} updates.")
    return lines
