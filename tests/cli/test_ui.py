"""``gibbsweep ui``: real servers on loopback, the addresses that it prints, and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.patience import ENOUGH_S, wait_until
from tests.track.sweeps import Sweep

from gibbsweep.cli import main
from gibbsweep.errors import UserError
from gibbsweep.track import default_tracking_uri, sync
from gibbsweep.track.stores.store import connect
from gibbsweep.track.ui import free_port

PROGRAM = "from gibbsweep.cli import main; import sys; main(sys.argv[1:])"


class Ui:
    """``gibbsweep ui`` as a process of its own, in a folder where no sweep is."""

    def __init__(self, cwd: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "ui", *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"},
        )  # fmt: skip
        self._if_it_hangs = threading.Timer(ENOUGH_S, self.process.kill)
        self._if_it_hangs.daemon = True
        self._if_it_hangs.start()

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        return line.strip()

    def end(self) -> tuple[int, str]:
        """Its exit code after SIGTERM, and what it had not printed yet."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=ENOUGH_S)
        self._if_it_hangs.cancel()
        return self.process.returncode, out


def page(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        content = answer.read()
    return json.loads(content) if "json" in answer.headers["Content-Type"] else content.decode()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.cluster
def test_mlflow_opens_on_the_sweep_and_ends_with_the_command(tmp_path: Path, empty_store: Path) -> None:
    runs = tmp_path / "my runs"
    for name in ("older", "cd_k-1", "untracked"):
        sweep = Sweep(runs / name)
        time.sleep(0.01)  # files of one clock tick have no order
        if name != "untracked":
            (runs / "mlflow.db").exists() or (runs / "mlflow.db").write_bytes(empty_store.read_bytes())
            sweep.trial("rbm-0000").end("completed", 1)
            assert sync(sweep.folder, tracking_uri=default_tracking_uri(runs)).error == ""
    ui = Ui(tmp_path, str(runs))
    try:
        port = int(ui.line().partition("127.0.0.1:")[2].split()[0])
        what, _, link = ui.line().partition(": ")
        assert what == "the trials of cd_k-1"  # the last one that the store has
        own = ui.line().partition(": ")[2]
        assert page(f"http://127.0.0.1:{port}/").startswith("<!doctype html>")
        place, _, query = urlsplit(link).fragment.partition("?")
        client = connect(default_tracking_uri(runs))
        (experiment,) = client.search_experiments(filter_string="name = 'cd_k'")
        assert place == f"/experiments/{experiment.experiment_id}/runs"
        assert parse_qs(query)["workflowType"] == ["machine_learning"]
        # What stands behind the address is a filter that MLflow takes: the sweep's own run and its trial.
        found = client.search_runs([experiment.experiment_id], parse_qs(query)["searchFilter"][0])
        assert sorted(run.info.run_name for run in found) == ["cd_k-1", "rbm-0000"]
        (sweep_id,) = [run.info.run_id for run in found if run.info.run_name == "cd_k-1"]
        assert urlsplit(own).fragment.startswith(f"{place}/{sweep_id}?")
        # No statistics are sent: the server's own answer to its page.
        assert page(f"http://127.0.0.1:{port}/ajax-api/3.0/mlflow/ui-telemetry").get("disable_ui_telemetry") is True
    finally:
        code, rest = ui.end()
    assert (code, rest) == (143, "ended\n")
    wait_until(lambda: not answers(port))


@pytest.mark.cluster
def test_optunas_dashboard_opens_on_the_journal(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard comes with the extra ui")
    from tests.tune.status.test_dashboard import small_sweep

    sweep = small_sweep(tmp_path)
    before = sweep.journal.read_bytes()
    ui = Ui(tmp_path, str(tmp_path), "--optuna", sweep.name)
    try:
        what, _, address = ui.line().rpartition(": ")
        assert what == f"2 trials of {sweep.name}, as they are now (Ctrl-C ends it)"
        (study,) = page(f"{address}/api/studies")["study_summaries"]
        assert study["study_name"] == "rbm"
        detail = page(f"{address}/api/studies/{study['study_id']}?after=0")
        assert detail["objective_names"] == ["log_likelihood"]
        assert len(detail["trials"]) == 2
    finally:
        assert ui.end()[0] == 143
    assert sweep.journal.read_bytes() == before


def test_a_port_is_the_wanted_one_or_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 cannot be used"):
            free_port(port)
        assert free_port(None, usual=port) not in (0, port)
    with pytest.raises(UserError, match="a number from 1 to 65535"):
        free_port(70_000)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nowhere",), "there is no folder nowhere"),
        ((".",), "there is no tracking store at"),
        ((".", "--optuna", "x"), "there is no sweep 'x'"),
        ((".", "--tracking-uri", "htp://x"), "unknown scheme"),
    ],
)
def test_a_mistake_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(["ui", *words])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_server_that_runs_elsewhere_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ui", str(tmp_path), "--tracking-uri", "http://me:secret@127.0.0.1:9"])
    assert "http://me:***@127.0.0.1:9/#/experiments?workflowType=machine_learning" in capsys.readouterr().out
