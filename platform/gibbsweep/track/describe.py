"""A trial's ``config.json`` and a sweep's ``sweep.json`` in MLflow's words: tags, parameters, data set."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gibbsweep.folder import CheckpointCopy, RunFolder
from gibbsweep.folder.whole import read_json_object

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# MLflow's limits (mlflow.utils.validation)
MAX_KEY = 250
MAX_PARAM = 6000
MAX_TAG = 8000
MAX_DIGEST = 36

BESIDE_PARAMS = ("contender", "seed")


def may_lose_checkpoint(folder: Path) -> bool:
    """Whether the trial in ``folder`` is a search trial of a sweep with a quota: its checkpoint may be removed."""
    run = RunFolder(folder)
    return run.sweep.quota.exists() and read_json_object(run.config).get("kind") == "search"


def sweep_tags(sweep: Mapping[str, Any], name: str) -> dict[str, str]:
    """The tags of a sweep's own run; ``question`` is also the description that MLflow shows."""
    tags = {"gibbsweep.sweep": name, "gibbsweep.run_key": name, "gibbsweep.kind": "sweep", **_user()}
    for key in ("study", "question", "data", "budget", "goals", "fingerprint", "created"):
        if sweep.get(key) is not None:
            tags[f"gibbsweep.{key}"] = _tag(sweep[key])
    if sweep.get("question"):
        tags["mlflow.note.content"] = _tag(sweep["question"])
    return tags | _commit(sweep)


def trial_tags(config: Mapping[str, Any], sweep: str, trial: str, parent_id: str) -> dict[str, str]:
    """The tags of a trial's run. ``gibbsweep.run_key`` is what it is found by again.

    Budget, data and provenance are tags: MLflow writes every parameter above every picture, and they would push it
    out of sight.
    """
    others = {
        key: value for key, value in config.items() if key not in ("params", "classes", "git_commit", *BESIDE_PARAMS)
    }
    return {
        **{valid_name(f"gibbsweep.{name}"): _tag(value) for name, value in _flatten(others, "")},
        "mlflow.parentRunId": parent_id,
        "gibbsweep.run_key": run_key(sweep, trial),
        "gibbsweep.sweep": sweep,
        "gibbsweep.contender": _tag(config.get("contender", "")),
        **_user(),
        **_commit(config),
    }


def run_key(sweep: str, trial: str) -> str:
    """SWEEP/TRIAL."""
    return f"{sweep}/{trial}"


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """The entries of ``config["params"]``, flattened with dots, and the contender and seed beside them."""
    flat = dict(_flatten(config.get("params") or {}, ""))
    for name, value in _flatten({key: config[key] for key in BESIDE_PARAMS if key in config}, ""):
        flat[name if name not in flat else f"config.{name}"] = value
    return {valid_name(name): _param(value) for name, value in flat.items()}


def copied_from(copies: Sequence[CheckpointCopy]) -> str:
    """From whose checkpoints a member of a population went on, and with which changes, a line each."""
    return "\n".join(
        f"{copy.donor} after {copy.step} updates: "
        + ", ".join(f"{name} {json.dumps(old)} -> {json.dumps(new)}" for name, (old, new) in copy.changed.items())
        for copy in copies
    )


def dataset_input(config: Mapping[str, Any]) -> DatasetInput | None:
    """The data set a trial trained on: its name, fingerprint and origin."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = config.get("data") or {}
    if not data.get("name"):
        return None
    origin = str(data.get("source") or data.get("path") or data["name"])
    remote = origin.startswith(("http://", "https://"))
    dataset = Dataset(
        name=str(data["name"]),
        digest=str(data.get("fingerprint", ""))[:MAX_DIGEST],
        source_type="http" if remote else "local",
        source=json.dumps({"url" if remote else "uri": origin}),
        profile=json.dumps({"num_rows": data["rows"]}) if "rows" in data else None,
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def valid_name(name: str) -> str:
    """A metric or parameter name as MLflow accepts it: other characters become "_", and it is a plain relative path."""
    parts = [part for part in re.sub(r"[^/\w.\- :]", "_", name).split("/") if part not in ("", ".", "..")]
    valid = "/".join(parts) or "_"
    return valid if len(valid) <= MAX_KEY else f"{valid[: MAX_KEY - 9]}~{sha256(name.encode()).hexdigest()[:8]}"


def _flatten(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, value


def _param(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return _cut(text, MAX_PARAM) or '""'


def _tag(value: Any) -> str:
    return _cut(value if isinstance(value, str) else json.dumps(value), MAX_TAG)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    note = f" ... (cut: {len(text)} characters)"
    return text[: limit - len(note)] + note


def _commit(config: Mapping[str, Any]) -> dict[str, str]:
    commit = config.get("git_commit")
    return {"mlflow.source.git.commit": str(commit)} if commit else {}


def _user() -> dict[str, str]:
    try:
        return {"mlflow.user": getpass.getuser()}
    except (OSError, KeyError):  # a container's user may have no name
        return {}
