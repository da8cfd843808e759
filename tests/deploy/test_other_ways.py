"""The other ways to a cluster, offline: a SLURM job with programs that only note how they were called, the files of
Kubernetes by their fields, the image by what it copies."""

from __future__ import annotations

import os
import re
import shlex
import signal
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from tests.patience import ENOUGH_S, wait_until

from gibbsweep.cli.shell.parse import parse
from gibbsweep.tune.options.options import SweepOptions, check_options

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SBATCH = DEPLOY / "slurm.sbatch"

JOB = {
    "SLURM_JOB_ID": "41234",
    "SLURM_JOB_NAME": "gibbsweep",
    "SLURM_JOB_NODELIST": "node[7-8]",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_CPUS_PER_TASK": "8",
    "SLURM_GPUS_ON_NODE": "4",
}
STUBS = {
    "scontrol": 'echo "scontrol $*" >> calls; [ "$1" != show ] || printf "node7\\nnode8\\n"',
    # Runs until it is told to end, and then as long as a stop takes; its exit code is the sweep's.
    "srun": "env | grep -E '^(RAY|GIBBSWEEP)_' > variables; stat -c %a \"$RAY_AUTH_TOKEN_PATH\" > mode; "
    'echo "srun $*" >> calls; until [ -e code ]; do sleep 0.05; done; exit $(cat code)',
    "gibbsweep": 'echo "gibbsweep $*" >> calls; echo 130 > code.new; mv code.new code',
    "python": "echo 0123456789abcdef",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name, body in STUBS.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    return tmp_path


def submit(checkout: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(checkout), **JOB, **variables}
    return subprocess.Popen(
        ["bash", str(SBATCH), *words], cwd=checkout, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def end_with(checkout: Path, code: int) -> None:
    """Let the sweep end with ``code``; the file appears whole."""
    (checkout / "code.new").write_text(str(code))
    (checkout / "code.new").rename(checkout / "code")


def calls(checkout: Path) -> list[str]:
    file = checkout / "calls"
    return file.read_text().splitlines() if file.exists() else []


def started(checkout: Path) -> list[str]:
    """The words with which srun was called."""
    wait_until(lambda: any(line.startswith("srun") for line in calls(checkout)))
    (line,) = [line for line in calls(checkout) if line.startswith("srun")]
    return shlex.split(line)


def test_a_job_runs_the_sweep_on_all_of_its_nodes(checkout: Path) -> None:
    process = submit(checkout, "sweeps/cd_k.py", "--trials", "8")
    words = started(checkout)
    ray, sweep = words[words.index("ray") : words.index("--")], words[words.index("--") + 1 :]
    assert ray[:4] == ["ray", "symmetric-run", "--address", "node7:21234"]
    assert ray[ray.index("--min-nodes") + 1] == "2" and ray[ray.index("--num-cpus") + 1] == "8"
    assert sweep[:2] == ["python", "sweeps/cd_k.py"] and (ROOT / sweep[1]).is_file()
    options = parse(SweepOptions, sweep[2:], prog="x", description="")
    check_options(options)
    assert (options.trials, options.name, options.resume_or_start) == (8, "gibbsweep-41234", True)
    variables = dict(line.split("=", 1) for line in (checkout / "variables").read_text().splitlines())
    assert variables["RAY_AUTH_MODE"] == "token"
    assert variables["GIBBSWEEP_RUNS"] == f"{checkout}/runs"
    assert variables["GIBBSWEEP_GPUS_PER_TRIAL"] == "1"
    token = Path(variables["RAY_AUTH_TOKEN_PATH"])
    assert (checkout / "mode").read_text().strip() == "600" and token.exists()
    end_with(checkout, 0)
    assert process.wait(ENOUGH_S) == 0
    assert not token.exists()
    assert not any("requeue" in line for line in calls(checkout))


def test_before_its_time_is_over_it_stops_the_sweep_and_is_queued_again(checkout: Path) -> None:
    process = submit(checkout, "sweeps/cd_k.py")
    started(checkout)
    process.send_signal(signal.SIGUSR1)
    said, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 130, said
    assert "gibbsweep stop gibbsweep-41234 --wait 0" in calls(checkout)
    assert calls(checkout)[-1] == "scontrol requeue 41234"


@pytest.mark.parametrize("code", [1, 2])
def test_a_sweep_that_cannot_go_on_is_not_queued_again(code: int, checkout: Path) -> None:
    process = submit(checkout, "sweeps/cd_k.py")
    started(checkout)
    end_with(checkout, code)
    assert process.wait(ENOUGH_S) == code
    assert not any("requeue" in line for line in calls(checkout))


def test_a_sweep_that_completes_although_it_was_to_stop_is_not_queued_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "gibbsweep").write_text("#!/bin/bash\necho 0 > code.new; mv code.new code\n")
    process = submit(checkout, "sweeps/cd_k.py")
    started(checkout)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(ENOUGH_S) == 0
    assert not any("requeue" in line for line in calls(checkout))


def test_without_gpus_trials_ask_for_none_and_without_a_study_nothing_starts(checkout: Path) -> None:
    process = submit(checkout, "sweeps/cd_k.py", SLURM_GPUS_ON_NODE="", GIBBSWEEP_RUNS="/scratch/runs")
    started(checkout)
    end_with(checkout, 0)
    assert process.wait(ENOUGH_S) == 0
    variables = (checkout / "variables").read_text()
    assert "GPUS_PER_TRIAL" not in variables and "GIBBSWEEP_RUNS=/scratch/runs" in variables
    (checkout / "calls").unlink()
    process = submit(checkout)
    said, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 2 and "usage: sbatch deploy/slurm.sbatch" in said and not calls(checkout)


def test_the_job_asks_slurm_for_a_signal_in_time_and_to_be_queued_again() -> None:
    lines = re.findall(r"^#SBATCH (--\S+)", SBATCH.read_text(), re.MULTILINE)
    options = dict(line.partition("=")[::2] for line in lines)
    assert options["--signal"] == "B:USR1@300" and "--requeue" in options and options["--open-mode"] == "append"
    assert options["--ntasks-per-node"] == "1", "one Ray a node"
    assert subprocess.run(["bash", "-n", str(SBATCH)], check=False).returncode == 0


def documents(name: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / name).read_text())}


def cluster_spec(name: str) -> dict[str, Any]:
    kinds = documents(name)
    spec: dict[str, Any] = (
        kinds["RayCluster"]["spec"] if "RayCluster" in kinds else kinds["RayJob"]["spec"]["rayClusterSpec"]
    )
    return spec


@pytest.mark.parametrize("name", ["raycluster.yaml", "rayjob.yaml"])
def test_kubernetes_has_a_token_a_shared_volume_and_a_head_that_does_not_train(name: str) -> None:
    spec = cluster_spec(name)
    (version,) = re.findall(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert spec["rayVersion"] == version
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["enableInTreeAutoscaling"] is True
    head, (worker,) = spec["headGroupSpec"], spec["workerGroupSpecs"]
    assert head["rayStartParams"] == {"num-cpus": "0", "num-gpus": "0"}
    assert head["serviceType"] == "ClusterIP"
    assert worker["minReplicas"] == 0 < worker["maxReplicas"]
    (claim,) = [one for one in documents("raycluster.yaml").values() if one["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for group in (head, worker):
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        for container in pod["containers"]:
            assert {"name": "shared", "mountPath": "/shared"} in container["volumeMounts"]
            assert "memory" in container["resources"]["limits"]
        ray = pod["containers"][0]
        variables = {one["name"]: one["value"] for one in ray["env"]}
        assert variables["GIBBSWEEP_RUNS"] == "/shared/runs" and variables["GIBBSWEEP_WAIT_FOR_NODES"] == "1"
    assert worker["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    mlflow = head["template"]["spec"]["containers"][1]["command"]
    assert mlflow[mlflow.index("--host") + 1] == "127.0.0.1"


def test_both_files_describe_one_cluster() -> None:
    assert cluster_spec("rayjob.yaml") == cluster_spec("raycluster.yaml")


def test_a_job_of_kubernetes_ends_with_its_cluster_and_goes_on_with_its_sweep() -> None:
    spec = documents("rayjob.yaml")["RayJob"]["spec"]
    assert spec["shutdownAfterJobFinishes"] is True and spec["backoffLimit"] == 0
    script, *words = shlex.split(spec["entrypoint"].removeprefix("python "))
    assert (ROOT / script).is_file()
    options = parse(SweepOptions, words, prog="x", description="")
    check_options(options)
    assert options.resume_or_start


def test_the_image_has_a_python_that_gibbsweep_takes_and_copies_what_is_there() -> None:
    text = (ROOT / "Dockerfile").read_text()
    (python,) = re.findall(r"^FROM python:([\d.]+)-slim$", text, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert python in SpecifierSet(project["requires-python"])
    for line in re.findall(r"^COPY (?:--\S+ )?(.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources)
    (user,) = re.findall(r"--uid (\d+)", text)
    spec = cluster_spec("raycluster.yaml")["headGroupSpec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == int(user), "the volume is the image's user's"
    assert text.index("USER gibbsweep") < text.index("pip install")
    assert "aws" in project["optional-dependencies"]
    assert ".venv" in (ROOT / ".dockerignore").read_text().split()


def test_scripts_that_people_run_may_be_run() -> None:
    assert (DEPLOY / "tracking_server.sh").stat().st_mode & stat.S_IXUSR
    assert os.access(DEPLOY / "slurm.sbatch", os.R_OK)
