"""``gibbsweep train --like`` and ``gibbsweep clone``: a run from the record of another one, or from its checkpoint."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.cli import main
from gibbsweep.folder import Outcome, RunFolder, read_copies
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.copy_checkpoint import snapshot

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a single run of ten updates, ``one``."""
    folder = tmp_path_factory.mktemp("runs")
    words = ["--budget", "smoke", "--seed", "5", "--set", "learning_rate=0.05", "--precision", "fp32"]
    main(["train", f"{ROOT}/tests/tiny.py:rbm", "--no-ray", "--runs", str(folder), "--name", "one", *words])
    return folder


def train(runs: Path, *words: str) -> None:
    main(["train", "--like", "train-tiny:one", "--no-ray", "--runs", str(runs), *words])


def clone(runs: Path, *words: str) -> None:
    main(["clone", "train-tiny:one", "--runs", str(runs), *words])


def folder_of(runs: Path, name: str) -> RunFolder:
    return RunFolder(runs / "train-tiny" / "trials" / name)


def weights(runs: Path, name: str) -> dict[str, Any]:
    tensors = read_checkpoint(folder_of(runs, name).checkpoint)[1]
    return {key: tensor.tolist() for key, tensor in tensors.items() if key.startswith("model/")}


def record(runs: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(folder_of(runs, name).config.read_text())
    return content


def test_a_run_is_repeated_by_its_record_alone(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the script is found from anywhere
    train(runs, "--name", "same", "--precision", "fp32")
    assert weights(runs, "same") == weights(runs, "one")
    same, one = record(runs, "same"), record(runs, "one")
    assert (same["params"], same["seed"], same["budget"]) == (one["params"], one["seed"], one["budget"])


def test_options_vary_what_is_repeated(runs: Path) -> None:
    train(runs, "--name", "other", "--seed", "7", "--set", "k=2", "--budget", "laptop")
    other = record(runs, "other")
    assert (other["seed"], other["budget"]["updates"]) == (7, 20)
    assert (other["params"]["k"], other["params"]["learning_rate"]) == (2, 0.05)


def test_going_on_is_the_longer_run_to_the_last_bit(runs: Path) -> None:
    train(runs, "--name", "long", "--updates", "20", "--precision", "fp32")
    train(runs, "--name", "on", "--updates", "20", "--go-on")
    assert weights(runs, "on") == weights(runs, "long") != weights(runs, "one")
    went_on, long = (Outcome.read(folder_of(runs, name).path) for name in ("on", "long"))
    assert went_on is not None and long is not None
    assert (went_on.step, went_on.samples, long.samples) == (20, 10 * 32, 20 * 32), "it pays for its own updates"


def test_a_clone_goes_on_with_other_values_and_says_from_where(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clone(runs, "--set", "learning_rate=0.02")
    assert "goes on from one after 10 updates" in capsys.readouterr().out
    (copy,) = read_copies(folder_of(runs, "one-on").path)
    assert (copy.donor, copy.step, copy.done, copy.changed) == ("one", 10, True, {"learning_rate": (0.05, 0.02)})
    assert record(runs, "one-on")["budget"]["updates"] == 20, "as many again"
    clone(runs, "--set", "learning_rate=0.03")
    assert record(runs, "one-on-2")["params"]["learning_rate"] == 0.03
    state, _ = read_checkpoint(folder_of(runs, "one").checkpoint)
    assert state["step"] == 10, "its donor is as it was"


def test_a_clone_that_was_killed_goes_on_by_the_same_command(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--name", "killed", "--set", "learning_rate=0.02")
    clone(runs, *words)
    whole = weights(runs, "killed")
    folder_of(runs, "killed").outcome.unlink()
    clone(runs, *words)
    assert weights(runs, "killed") == whole
    folder_of(runs, "killed").outcome.unlink()
    with pytest.raises(SystemExit):
        clone(runs, "--name", "killed", "--set", "learning_rate=0.03")
    assert "holds another run (learning_rate: 0.02 -> 0.03)" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["clone", "train-tiny:one", "--set", "n_hidden=9"], "(64, 6) torch.float32 at 6 and (64, 9) torch.float32"),
        (["clone", "train-tiny:one", "--set", "n_hidden=9"], "gibbsweep train --like train-tiny:one --set n_hidden=9"),
        (["clone", "train-tiny:one", "--set", "nothing=9"], "nothing"),
        (["clone", "train-tiny:one", "--updates", "10"], "has 10 updates behind it, and 10 were asked for"),
        (["clone", "train-tiny:two"], "has no run 'two' that has begun: it has"),
        (["clone", "nowhere:two"], "there is no sweep 'nowhere'"),
        (["train", "--like", "train-tiny"], "holds many runs: name one, train-tiny:RUN"),
        (["train", "--like", "nothing"], "nothing is no run: name SWEEP:RUN"),
        (["train"], "nothing to train was named"),
        (["train", "--go-on"], "nothing to train was named"),
        (["train", f"{ROOT}/tests/tiny.py:rbm", "--go-on"], "name it with --like SWEEP:TRIAL"),
        (["train", f"{ROOT}/tests/tiny.py:mean", "--like", "train-tiny:one"], "and 'mean' was named"),
        (["train", "--like", "train-tiny:one", "--go-on", "--seed", "6"], "goes on with its own seed, 5"),
        (["train", "--like", "train-tiny:one", "--set", "learning_rate=3"], "lies outside [0.01, 0.3]"),
        (["train", "--like", "train-tiny:one", "--budget", "huge"], "no budget 'huge'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(
    words: list[str], sentence: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in (runs / "train-tiny" / "trials").iterdir())
    with pytest.raises(SystemExit) as ended:
        main([*words, "--runs", str(runs)])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err.replace("\n", " ")
    assert sorted(path.name for path in (runs / "train-tiny" / "trials").iterdir()) == before


def test_a_script_that_is_gone_is_asked_for(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = runs / "train-tiny" / "sweep.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "script": str(tmp_path / "gone.py")}))
    try:
        with pytest.raises(SystemExit):
            train(runs, "--name", "never")
        assert "gone.py is gone: name it, SCRIPT.py:CONTENDER" in capsys.readouterr().err.replace("\n", " ")
        main(["train", f"{ROOT}/tests/tiny.py", "--like", "train-tiny:one", "--no-ray", "--runs", str(runs),
              "--name", "named", "--precision", "fp32"])  # fmt: skip
        assert weights(runs, "named") == weights(runs, "one")
    finally:
        path.write_text(json.dumps(content))


def test_a_checkpoint_is_taken_whole_while_its_run_writes_the_next(runs: Path, tmp_path: Path) -> None:
    """The state is replaced after its tensors are written, and before those of the last one are removed."""
    checkpoint = folder_of(runs, "one").checkpoint
    state, content = json.loads((checkpoint / "state.json").read_text()), snapshot(checkpoint).content
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps(state | {"tensors": "gone.safetensors"}))

    def next_one() -> None:
        (folder / "next.safetensors").write_bytes(content)
        (folder / "state.json").write_text(json.dumps(state | {"tensors": "next.safetensors", "step": 11}))

    writer = threading.Timer(0.2, next_one)
    writer.start()
    taken = snapshot(folder)
    writer.join()
    assert (taken.state["step"], taken.content) == (11, content)
