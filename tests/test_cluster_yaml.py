"""cluster.yaml and cluster.local.yaml, as ``ray up`` reads them, without a cloud.

They are valid and private, have nothing to fill in but what is marked, and their commands do what they are for."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = ("cluster.yaml", "cluster.local.yaml")
TEXTS = {name: (ROOT / name).read_text() for name in FILES}
CONFIGS: dict[str, dict[str, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
AWS = CONFIGS["cluster.yaml"]
BIN = "/shared/gibbsweep/.venv/bin"


def commands(config: dict[str, Any]) -> list[str]:
    return [line for name in config if name.endswith("_commands") for line in config[name]]


def ray_starts(config: dict[str, Any]) -> list[str]:
    return [line for line in commands(config) if "ray start" in line]


def of_google() -> dict[str, Any]:
    """cluster.yaml with the commented sections for Google Cloud in place of Amazon's."""
    text = "\n".join(
        line.removeprefix("#gcp ") for line in TEXTS["cluster.yaml"].splitlines() if line.startswith("#gcp")
    )
    return {**AWS, **yaml.safe_load(text)}


@pytest.fixture(scope="module", params=[*FILES, "Google Cloud"])
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return of_google() if request.param == "Google Cloud" else CONFIGS[request.param]


@pytest.fixture(scope="module")
def prepared(config: dict[str, Any]) -> dict[str, Any]:
    """With the defaults that ``ray up`` fills in before it validates."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    filled: dict[str, Any] = prepare_config(yaml.safe_load(yaml.safe_dump(config)))
    validate_config(filled)
    return filled


def test_ray_accepts_it_and_adds_no_commands_of_its_own(config: dict[str, Any], prepared: dict[str, Any]) -> None:
    for role in ("head", "worker"):
        own = config["setup_commands"] + config.get(f"{role}_setup_commands", [])
        assert prepared[f"{role}_setup_commands"] == own, "Ray's defaults install into the system's Python"
        assert prepared[f"{role}_start_ray_commands"] == config[f"{role}_start_ray_commands"]
    assert not prepared["docker"]


def test_ray_would_refuse_a_key_that_it_does_not_know() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(Exception, match="max_wrokers"):
        validate_config(prepare_config({**yaml.safe_load(TEXTS["cluster.yaml"]), "max_wrokers": 3}))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_to_be_filled_in_but_what_is_marked(name: str) -> None:
    assert "FILL-IN" not in TEXTS[name]
    assert "github.com" not in TEXTS[name], "the code comes from this machine"
    marked = [line for line in TEXTS[name].splitlines() if "# <-" in line]
    if name == "cluster.yaml":
        assert not marked
    else:
        assert len(marked) == 4 and "Change the four marked lines" in TEXTS[name]
        (count, head, _, user) = marked
        assert int(re.findall(r"\d+", count)[0]) == len(CONFIGS[name]["provider"]["worker_ips"])
        assert CONFIGS[name]["provider"]["head_ip"] in head and CONFIGS[name]["auth"]["ssh_user"] in user


def test_the_head_trains_nothing_and_workers_come_and_go(config: dict[str, Any], prepared: dict[str, Any]) -> None:
    assert prepared["idle_timeout_minutes"] > 0
    if config["provider"]["type"] == "local":
        (head,) = [line for line in ray_starts(config) if "--head" in line]
        assert {"--num-cpus=0", "--num-gpus=0"} <= set(head.split())
        return
    types = dict(prepared["available_node_types"])
    head = types.pop(prepared["head_node_type"])
    assert head["resources"]["CPU"] == 0
    assert head["resources"].get("GPU", 0) == 0
    assert head["max_workers"] == 0, "one head, never a second of its kind"
    assert types, "there is nobody to train"
    for worker in types.values():
        assert worker["min_workers"] == 0
        assert 0 < worker["max_workers"] <= prepared["max_workers"]


def test_nothing_listens_in_public(config: dict[str, Any]) -> None:
    assert "0.0.0.0" not in str(config) and "0/0" not in str(config)
    for line in ray_starts(config):
        assert "--dashboard-host=127.0.0.1" in line or "--head" not in line


def test_on_aws_ray_finds_a_group_and_a_role_that_are_there_and_makes_none() -> None:
    """Ray opens SSH to the world in a group that it makes, and gives a head that names no profile all rights."""
    assert AWS["provider"]["security_group"] == {"GroupName": "gibbsweep"}
    for name, node in AWS["available_node_types"].items():
        assert node["node_config"]["MetadataOptions"]["HttpTokens"] == "required"
        assert all(disk["Ebs"]["Encrypted"] for disk in node["node_config"]["BlockDeviceMappings"])
        assert node["node_config"]["ImageId"].startswith("resolve:ssm:")
        assert ("IamInstanceProfile" in node["node_config"]) == (name == "head")


def test_every_ray_asks_for_the_token(config: dict[str, Any]) -> None:
    starts = ray_starts(config)
    assert len(starts) == 2
    for line in starts:
        words = shlex.split(line.split(";")[-1])
        variables = dict(word.split("=", 1) for word in words[: words.index(f"{BIN}/ray")])
        assert variables["RAY_AUTH_MODE"] == "token"
        assert variables["RAY_AUTH_TOKEN_PATH"] in config["file_mounts"]
        assert "--disable-usage-stats" in words
    (head,) = [line for line in starts if "--head" in line]
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in head.split()
    assert "chmod 600 ~/.gibbsweep-token" in config["setup_commands"]


def test_the_commit_travels_without_what_may_hold_a_password(tmp_path: Path, config: dict[str, Any]) -> None:
    """A repository's remotes may name one. What rsync then sends is still one that git fetches from."""
    source, sent, target = tmp_path / "source", tmp_path / "sent", tmp_path / "target"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run([*git, "init", "--quiet", source], check=True)
    subprocess.run([*git, "-C", source, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    subprocess.run(["git", "-C", source, "remote", "add", "origin", "https://me:secret@host/x.git"], check=True)
    excludes = [word for pattern in config["rsync_exclude"] for word in ("--exclude", pattern)]
    subprocess.run(["rsync", "-a", *excludes, f"{source}/.git/", f"{sent}/"], check=True)
    assert not any("secret" in path.read_text(errors="ignore") for path in sent.rglob("*") if path.is_file())
    (fetch,) = [line for line in config["head_setup_commands"] if "git fetch" in line]
    line = fetch.replace("~/.gibbsweep-commits", str(sent)).replace("/shared/gibbsweep", str(target))
    for _ in range(2):
        subprocess.run(["bash", "-c", line], check=True)
    heads = [
        subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True)
        for folder in (source, target)
    ]
    assert heads[0].stdout == heads[1].stdout


def test_who_logs_in_has_the_programs_the_token_and_the_cluster_s_defaults(
    config: dict[str, Any], tmp_path: Path
) -> None:
    (profile,) = [line for line in config["setup_commands"] if ".bashrc" in line]
    for _ in range(2):
        subprocess.run(["bash", "-c", profile], check=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    script = f". {tmp_path}/.bashrc; env"
    done = subprocess.run(
        ["bash", "-c", script], check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)}
    )
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert variables["PATH"].split(":")[0] == BIN
    assert variables["PATH"].count(BIN) == 1
    assert variables["RAY_AUTH_TOKEN_PATH"] == f"{tmp_path}/.gibbsweep-token"
    assert variables["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert (variables["GIBBSWEEP_RUNS"], variables["GIBBSWEEP_WAIT_FOR_NODES"]) == ("/shared/runs", "1")
    gpus = "1" if config["provider"]["type"] != "local" else None
    assert variables.get("GIBBSWEEP_GPUS_PER_TRIAL") == gpus


def test_every_command_is_a_sentence_of_the_shell(config: dict[str, Any]) -> None:
    for line in commands(config):
        done = subprocess.run(["bash", "-n", "-c", line], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize("name", FILES)
def test_the_commands_of_the_header_exist(name: str) -> None:
    """The sweep of the example is a script, its options are a sweep's, and make knows the rest."""
    (example,) = re.findall(rf"ray exec --tmux {re.escape(name)} 'cd /shared/gibbsweep && python (.*)'", TEXTS[name])
    script, *options = shlex.split(example)
    assert (ROOT / script).is_file()

    from gibbsweep.cli.shell.parse import parse
    from gibbsweep.tune.options.options import SweepOptions

    parse(SweepOptions, options, prog=script, description="")
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^#\s+make ([\w-]+)", TEXTS[name], re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_the_tracking_server_runs_on_loopback_and_sends_no_telemetry() -> None:
    server = (ROOT / "deploy" / "tracking_server.sh").read_text()
    before, _, after = server.partition("mlflow server")
    assert "MLFLOW_DISABLE_TELEMETRY=true" in before
    assert "DO_NOT_TRACK=true" in before
    assert "--host 127.0.0.1 " in after
    for config in CONFIGS.values():
        (line,) = [line for line in config["head_start_ray_commands"] if "tracking_server" in line]
        assert "bash /shared/gibbsweep/deploy/tracking_server.sh /shared >" in line
