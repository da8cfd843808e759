"""A trial's ``config.json`` and a sweep's ``sweep.json`` in MLflow's words: tags, parameters, data set."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# MLflow's limits (mlflow.utils.validation)
MAX_KEY = 250
MAX_PARAM = 6000
MAX_TAG = 8000
MAX_DIGEST = 36

BESIDE_PARAMS = ("contender", "seed")
QUOTA_FILE = "disk.json"
"""In the folder of a sweep whose checkpoints have a quota: those of its search trials may be removed, and are not sent."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of the run folder."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: expected a sweep's folder, written by a sweep") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}, expected a JSON object")
    return content


def may_lose_checkpoint(folder: Path) -> bool:
    """Whether the trial in ``folder`` is a search trial of a sweep with a quota."""
    quota = folder.parent.parent / QUOTA_FILE
    return quota.exists() and read_json(folder / "config.json").get("kind") == "search"


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

    Budget, data and provenance are tags: MLflow writes every parameter above every picture, and they would push it out of sight.
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


def takeovers(path: Path) -> str:
    """From whose checkpoints a member of a population went on, and with which changes; "" for any other run."""
    if not path.exists():
        return ""
    return "\n".join(
        f"{t['donor']} after {t['step']} updates: "
        + ", ".join(f"{name} {json.dumps(there)} -> {json.dumps(here)}" for name, (there, here) in t["changed"].items())
        for t in json.loads(path.read_text())
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
