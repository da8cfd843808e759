"""Machines on this machine: each has a network, a mount, a PID and a host namespace of its own and a real sshd as its
first process, and all stand on one bridge. They see this machine's files, what they write stays theirs, and they share
/shared.

What a fresh machine would take from a package index it takes from the environment that the tests run in: ``python3 -m
venv`` makes one that looks into it, and whose pip installs nothing.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
NET = "10.77.0"
BRIDGE = "gsproof"
PROGRAMS = ("ip", "sshd", "ssh", "ssh-keygen", "rsync", "unshare", "tmux", "git", "mount")

TRIES, SSH_FAILED = 3, 255
"""How often a connection is tried, and what ``ssh`` exits with where there is none."""

SMALL = {
    # Ray gives up on a node after 30 s, which a busy core takes to start its agents.
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_health_check_failure_threshold": "20",
    "RAY_agent_register_timeout_ms": "120000",
    "GIBBSWEEP_BUDGET": "smoke",
    "GIBBSWEEP_STAYS_S": "10",
    "OMP_NUM_THREADS": "1",
}
"""The variables of a small, busy machine that runs a short sweep."""

PYTHON = """#!/bin/bash
if [ "$1 $2" != "-m venv" ]; then exec {base} "$@"; fi
{base} -m venv --without-pip "$3" || exit 1
own=$(echo "$3"/lib/python3*/site-packages)
printf '%s\\n' "$PWD/platform" "$PWD/models" "{site}" > "$own/there.pth"
mkdir -p "$own/pip"
echo 'import sys; print("pip", *sys.argv[1:], "(is there already)", file=sys.stderr)' > "$own/pip/__main__.py"
touch "$own/pip/__init__.py"
for script in ray mlflow gibbsweep; do
  sed "1s|.*|#!$(realpath -s "$3")/bin/python|" "{venv}/bin/$script" > "$3/bin/$script"; chmod 755 "$3/bin/$script"
done
"""


@cache
def why_not() -> str:
    """Why there can be no machines here, in a sentence; "" where there can."""
    if os.geteuid() != 0:
        return "the proof of the cluster needs root, for network namespaces"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return (
            f"the proof of the cluster needs {', '.join(missing)}: apt-get install openssh-server rsync iproute2 tmux"
        )
    if subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode == 0:
        return f"the proof of the cluster runs already, or left its bridge: ip link del {BRIDGE}"
    # In namespaces that end with it: what they need of the kernel, and of this container.
    needs = "ip link add gs0 type bridge && ip link add gs1 type veth peer name gs2 && mount -t tmpfs tmpfs /mnt"
    words = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "sh", "-c", needs]
    probe = subprocess.run(words, capture_output=True, check=False, env={**os.environ, "PATH": path})
    if probe.returncode:
        return (
            f"the proof of the cluster needs network namespaces, and this machine refuses them: {probe.stderr.decode()}"
        )
    return ""


class Machines:
    """The machines 10.77.0.N for the numbers N in ``numbers``, with their files below ``folder``::

    with Machines(folder, (4, 5, 6)) as machines:
        machines.run(4, "hostname")
    """

    def __init__(self, folder: Path, numbers: tuple[int, ...], variables: Mapping[str, str] | None = None) -> None:
        """``variables``: of everybody who logs in."""
        self.folder, self.numbers, self.variables = folder, numbers, {**SMALL, **(variables or {})}
        self.shared, self.key = folder / "shared", folder / "key"
        self._first: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def address(self, number: int) -> str:
        return f"{NET}.{number}"

    def ssh(self, number: int, command: str) -> list[str]:
        """The words that run ``command`` on a machine as a person does who logs in."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5"]
        words = ["ssh", *(word for option in options for word in ("-o", option)), "-i", str(self.key)]
        return [*words, f"ubuntu@{self.address(number)}", f"bash --login -i -c {shlex.quote(command)}"]

    def run(self, number: int, command: str, *, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run ``command`` on a machine; whatever it exits with is for the caller. A connection that a busy machine did
        not make in time is made again."""
        for _ in range(TRIES):
            done = subprocess.run(
                self.ssh(number, command), capture_output=True, text=True, check=False, timeout=timeout,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if done.returncode != SSH_FAILED:
                break
        return done

    def processes(self, number: int) -> list[str]:
        """The command lines of a machine's processes but those of SSH."""
        lines = self.run(number, "ps -eo args=").stdout.splitlines()
        return [line for line in lines if not line.startswith(("sshd", "/usr/sbin/sshd", "bash --login", "ps -eo"))]

    def cut(self, number: int) -> None:
        """Take a machine off the network, with all that runs on it."""
        _call("ip", "link", "set", f"{BRIDGE}{number}", "down")

    def join(self, number: int) -> None:
        """Put a machine that was cut off on the network again."""
        _call("ip", "link", "set", f"{BRIDGE}{number}", "up")

    def _up(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _call("mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", str(self.folder))
        self.shared.mkdir()
        self.shared.chmod(0o777)
        _call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        base = os.path.realpath(os.path.join(sys.base_prefix, "bin", "python3"))
        (site,) = (Path(sys.prefix) / "lib").glob("python3*/site-packages")
        (self.folder / "python3").write_text(PYTHON.format(base=base, site=site, venv=sys.prefix))
        _call("ip", "link", "add", BRIDGE, "type", "bridge")
        _call("ip", "addr", "add", f"{NET}.1/24", "dev", BRIDGE)
        _call("ip", "link", "set", BRIDGE, "up")
        for number in self.numbers:
            self._start(number)
        for number in self.numbers:
            deadline = time.monotonic() + 120
            while self.run(number, "true").returncode:
                if time.monotonic() > deadline or self._first[number].poll() is not None:
                    log = (self.folder / f"m{number}" / "log").read_text(errors="replace")
                    raise RuntimeError(f"machine {number} does not answer:\n{log}")
                time.sleep(0.3)

    def _start(self, number: int) -> None:
        folder, name = self.folder / f"m{number}", f"{BRIDGE}{number}"
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(parents=True)
        (folder / "profile.sh").write_text("".join(f"export {key}={value}\n" for key, value in self.variables.items()))
        _call("ip", "netns", "add", name)
        _call("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _call("ip", "link", "set", name, "master", BRIDGE, "up")
        _call("ip", "-n", name, "addr", "add", f"{NET}.{number}/24", "dev", "eth0")
        _call("ip", "-n", name, "link", "set", "eth0", "up")
        _call("ip", "-n", name, "link", "set", "lo", "up")
        variables = {
            "FOLDER": str(folder),
            "SHARED": str(self.shared),
            "VENV": sys.prefix,
            "ADDRESS": self.address(number),
            "HOST": f"machine-{number}",
        }
        namespaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        with open(folder / "log", "wb") as log:
            self._first[number] = subprocess.Popen(
                ["nice", "-n", "-5", "ip", "netns", "exec", name, *namespaces, "bash", str(HERE / "machine.sh")],
                env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def down(self) -> None:
        """End the machines with all of their processes, and take away what was made for them."""
        for process in self._first.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)  # --kill-child ends its first process, and that all of its others
            process.wait()
        for number in self._first:
            _try("ip", "link", "del", f"{BRIDGE}{number}")
            _try("ip", "netns", "del", f"{BRIDGE}{number}")
        _try("ip", "link", "del", BRIDGE)
        deadline = time.monotonic() + 60
        while os.path.ismount(self.folder) and not _try("umount", str(self.folder)):
            if time.monotonic() > deadline:
                _call("umount", "--lazy", str(self.folder))
            time.sleep(0.5)


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _try(*words: str) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
