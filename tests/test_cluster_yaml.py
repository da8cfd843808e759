"""cluster.yaml, as ``ray up`` reads it, without a cloud: it is valid, private, and its commands do what they are
for."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # PyYAML comes with Ray, its stubs do not

FILE = Path(__file__).resolve().parents[1] / "cluster.yaml"
TEXT = FILE.read_text()
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)
COMMANDS = {name: CONFIG[name] for name in CONFIG if name.endswith("_commands")}
RAY_STARTS = [line for lines in COMMANDS.values() for line in lines if "ray start" in line]
(MLFLOW,) = [line for lines in COMMANDS.values() for line in lines if "mlflow server" in line]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    """With the defaults that ``ray up`` fills in before it validates."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    config: dict[str, Any] = prepare_config(yaml.safe_load(TEXT))
    validate_config(config)
    return config


def test_ray_accepts_it_and_adds_no_commands_of_its_own(prepared: dict[str, Any]) -> None:
    for role in ("head", "worker"):
        own = CONFIG["setup_commands"] + CONFIG.get(f"{role}_setup_commands", [])
        assert prepared[f"{role}_setup_commands"] == own, "Ray's defaults install into the system's Python"
        assert prepared[f"{role}_start_ray_commands"] == CONFIG[f"{role}_start_ray_commands"]
    assert not prepared["docker"]


def test_ray_would_refuse_a_key_that_it_does_not_know() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(Exception, match="max_wrokers"):
        validate_config(prepare_config({**yaml.safe_load(TEXT), "max_wrokers": 3}))


def test_the_head_trains_nothing_and_workers_come_and_go(prepared: dict[str, Any]) -> None:
    types = prepared["available_node_types"]
    head = types.pop(prepared["head_node_type"])
    assert head["resources"]["CPU"] == 0
    assert head["resources"].get("GPU", 0) == 0
    assert head["max_workers"] == 0, "one head, never a second of its kind"
    assert types, "there is nobody to train"
    for worker in types.values():
        assert worker["min_workers"] == 0
        assert 0 < worker["max_workers"] <= prepared["max_workers"]
    assert prepared["idle_timeout_minutes"] > 0


def test_nothing_listens_in_public() -> None:
    assert CONFIG["provider"]["use_internal_ips"] is True
    settings = str(CONFIG)
    assert "0.0.0.0" not in TEXT and "[::]" not in TEXT
    for word in ("AssociatePublicIpAddress", "0/0", "security_group"):
        assert word not in settings
    for node in CONFIG["available_node_types"].values():
        assert node["node_config"]["SubnetIds"] and node["node_config"]["SecurityGroupIds"]
        assert node["node_config"]["MetadataOptions"]["HttpTokens"] == "required"
        assert all(disk["Ebs"]["Encrypted"] for disk in node["node_config"]["BlockDeviceMappings"])


def test_every_ray_asks_for_the_token() -> None:
    assert len(RAY_STARTS) == 2
    for line in RAY_STARTS:
        words = shlex.split(line.split(";")[-1])
        variables = dict(word.split("=", 1) for word in words[: words.index("gibbsweep/.venv/bin/ray")])
        assert variables["RAY_AUTH_MODE"] == "token"
        assert variables["RAY_AUTH_TOKEN_PATH"] in CONFIG["file_mounts"]
        assert "--disable-usage-stats" in words
    (head,) = [line for line in RAY_STARTS if "--head" in line]
    assert "--dashboard-host=127.0.0.1" in head.split()
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in head.split()


def test_the_token_is_for_its_owner_alone_before_ray_starts() -> None:
    (token,) = CONFIG["file_mounts"]
    assert f"chmod 600 {token}" in CONFIG["setup_commands"], "on the nodes"
    assert f"> {token} && chmod 600 {token}" in TEXT, "on the machine that makes it"


def test_who_logs_in_has_the_token_and_the_tracking_server() -> None:
    (profile,) = [line for line in CONFIG["setup_commands"] if ".bashrc" in line]
    for setting in ("RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN_PATH=", "MLFLOW_TRACKING_URI=http://127.0.0.1:5000"):
        assert setting in profile


def test_the_tracking_server_runs_on_the_head_s_loopback() -> None:
    assert MLFLOW in CONFIG["head_start_ray_commands"]
    words = shlex.split(MLFLOW.replace("(", " ").replace(")", " "))
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--allowed-hosts") + 1] == "127.0.0.1:*,localhost:*"
    assert words[words.index("--artifacts-destination") + 1].startswith("/shared/"), (
        "workers' artifacts outlive the head"
    )


@pytest.mark.parametrize("running", [False, True])
def test_the_tracking_server_is_started_once(running: bool, tmp_path: Path) -> None:
    """The command as Ray runs it, with programs of the same names that only tell that they were called."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "gibbsweep" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    for program, body in (
        (tmp_path / "bin" / "curl", f"exit {0 if running else 7}"),
        (python, f'echo "$@" > {shlex.quote(str(tmp_path))}/called'),
    ):
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"({MLFLOW}) && wait"],
        check=False,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    called = tmp_path / "called"
    if running:
        assert not called.exists()
    else:
        wait_for(called)
        assert called.read_text().startswith("-m mlflow server --host 127.0.0.1")


def wait_for(path: Path) -> None:
    """The server is started in the background, in a session of its own: its first sign may take a moment."""
    subprocess.run(
        ["bash", "-c", f"until [ -s {shlex.quote(str(path))} ]; do sleep 0.01; done"], check=True, timeout=30
    )


@pytest.mark.parametrize("line", [line for lines in COMMANDS.values() for line in lines])
def test_every_command_is_a_sentence_of_the_shell(line: str) -> None:
    done = subprocess.run(["bash", "-n", "-c", line], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_value_to_fill_in_is_explained_at_the_top() -> None:
    header = TEXT[: TEXT.index("\ncluster_name:")]
    assert all(line.startswith("#") or not line for line in header.splitlines())
    marks = set(re.findall(r"[\w.]*[-/]FILL-IN", TEXT[len(header) :]))
    assert marks == set(re.findall(r"[\w.]*[-/]FILL-IN", header))
    assert "the five values marked FILL-IN" in header and len(marks) == 5


def test_the_commands_of_the_header_exist() -> None:
    """The sweep of the example is a script, and its options are a sweep's."""
    (example,) = re.findall(r"ray exec cluster.yaml '(.*)'", TEXT)
    script, *options = shlex.split(example.split(".venv/bin/python ")[1])
    assert (FILE.parent / script).is_file()

    from gibbsweep.cli.parse import parse
    from gibbsweep.tune.options.options import SweepOptions

    parsed = parse(SweepOptions, options, prog=script, description="")
    assert (parsed.address, parsed.wait_for_nodes, str(parsed.runs)) == ("auto", True, "/shared/runs")


def test_the_tracking_server_sends_no_telemetry() -> None:
    before, _, _ = MLFLOW.partition("mlflow server")
    assert "MLFLOW_DISABLE_TELEMETRY=true" in before
    assert "DO_NOT_TRACK=true" in before
