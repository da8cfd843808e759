"""cluster.yaml, offline: Ray accepts it and nothing of it is public."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

FILE = Path(__file__).resolve().parents[1] / "cluster.yaml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def commands(config: dict[str, Any]) -> list[str]:
    names = ("initialization_commands", "setup_commands", "head_start_ray_commands", "worker_start_ray_commands")
    return [command for name in names for command in config.get(name, [])]


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    validate_config(prepare_config(config))


def test_ray_would_refuse_a_key_it_does_not_know(config: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="max_wrokers"):
        validate_config(prepare_config({**config, "max_wrokers": 3}))


def test_nothing_is_public(config: dict[str, Any]) -> None:
    assert config["provider"]["use_internal_ips"] is True
    assert "0.0.0.0" not in FILE.read_text()
    for command in commands(config):
        if "ray start" in command:
            assert "RAY_AUTH_MODE=token" in command
            assert "RAY_AUTH_TOKEN_PATH=" in command
        if "ray start --head" in command:
            assert "--dashboard-host=127.0.0.1" in command
        if "mlflow server" in command:
            assert "--host 127.0.0.1" in command
            assert "--allowed-hosts" in command
    assert any("chmod 600 ~/.gibbsweep-token" in command for command in commands(config))


def test_the_head_schedules_and_tracks_and_gpu_workers_come_and_go(config: dict[str, Any]) -> None:
    types = config["available_node_types"]
    assert types[config["head_node_type"]]["resources"]["CPU"] == 0
    workers = [node for name, node in types.items() if name != config["head_node_type"]]
    assert workers
    for node in workers:
        assert node["min_workers"] == 0 < node["max_workers"] <= config["max_workers"]
    assert sum("mlflow server" in command for command in config["head_start_ray_commands"]) == 1
    assert not any("mlflow server" in command for command in config["worker_start_ray_commands"])


def test_the_header_counts_what_must_be_filled_in() -> None:
    text = FILE.read_text()
    header, body = text.split("cluster_name:", 1)
    assert "the five values marked FILL-IN" in header
    assert len(set(re.findall(r"[\w-]*FILL-IN", body))) == 5
