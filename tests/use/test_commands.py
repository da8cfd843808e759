"""The commands for one trained run: what they write is the system's, twice the same, and mistakes are a sentence."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile

import gibbsweep as gs
from gibbsweep.cli import main
from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.shell.parse import parse
from gibbsweep.data import load
from gibbsweep.data.formats.images import encode_png
from gibbsweep.folder import Outcome
from gibbsweep.results.results import Results

Kinds = Callable[[str], Path]
ROOT = Path(__file__).resolve().parents[2]


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints."""
    main(words)
    return capsys.readouterr().out


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence that a command ends with."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for i, image in enumerate(load("digits").test.x[:3]):
        (folder / f"{i}.png").write_bytes(encode_png(image.numpy()))
    return folder


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("rbm", ".png"), ("rbm", ".npz"), ("rbm", ".gif"), ("conditional", ".png"), ("gan", ".npy"), ("ring", ".png"),
     ("solids", ".png"), ("sounds", ".wav"), ("sounds", ".png")],
)  # fmt: skip
def test_the_same_seed_gives_the_same_bytes(kind: str, suffix: str, kinds: Kinds, tmp_path: Path) -> None:
    words = ["sample", str(kinds(kind)), "--n", "5"]
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        main([*words, "--seed", seed, "--out", str(tmp_path / f"{name}{suffix}")])
    a, b, c = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_samples_are_the_system_s(kinds: Kinds, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conditional = gs.load(kinds("conditional"))
    out = tmp_path / "x.npz"
    words = ["sample", str(conditional.path), "--n", "4", "--seed", "2", "--out", str(out), "--class", "toy", "0"]
    said([*words, "--guidance", "2", "--steps", "4"], capsys)
    expected = conditional.sample(4, seed=2, classes=["toy", 0], guidance=2.0, steps=4).x
    assert np.array_equal(np.load(out)["x"], expected.numpy())
    sounds = gs.load(kinds("sounds"))
    said(["sample", str(sounds.path), "--n", "2", "--class", "1", "--out", str(tmp_path / "s.wav")], capsys)
    rate, wave = wavfile.read(tmp_path / "s.wav")
    first = (sounds.sample(2, classes=1).x[0, 0].clamp(-1, 1) * 32768).round().clamp(max=32767)
    assert rate == sounds.spec.sampling_rate and np.array_equal(wave[:256], first.numpy().astype(np.int16))
    said(["sample", str(conditional.path), "--n", "4", "--out", str(tmp_path / "x.png")], capsys)
    assert Image.open(tmp_path / "x.png").size == (2 * 20 + 4, 2 * 20 + 4), "two by two, twice as large, with gaps"


def test_scores_are_the_system_s(kinds: Kinds, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("rbm", "forest"):
        model = gs.load(kinds(kind))
        x = load("digits", units=model.config.units).test.batch(torch.arange(3))["x"]
        expected = model.score(x).tolist()
        table = list(csv.reader(io.StringIO(said(["score", str(model.path), str(pictures), "--csv"], capsys))))
        assert table[0] == ["file", "anomaly"]
        assert [(name, float(score)) for name, score in table[1:]] == [(f"{i}.png", expected[i]) for i in range(3)]
        plain = said(["score", str(model.path), str(pictures / "0.png"), str(pictures / "2.png")], capsys)
        assert plain.splitlines() == [f"{i}.png  {expected[i]:.6g}" for i in (0, 2)]


def test_denoised_files_are_the_system_s(
    kinds: Kinds, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = gs.load(kinds("score"))
    words = ["denoise", str(model.path), str(pictures), "--sigma", "25/255", "--out"]
    said([*words, str(tmp_path / "x.npz")], capsys)
    x = load("digits").test.batch(torch.arange(3))["x"]
    expected = model.denoise(x, 2 * 25 / 255)
    assert np.array_equal(np.load(tmp_path / "x.npz")["x"], expected.numpy())
    said([*words, str(tmp_path / "each")], capsys)
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == ["0.png", "1.png", "2.png"]
    pixels = np.asarray(Image.open(tmp_path / "each" / "1.png"))
    assert np.array_equal(pixels, ((expected[1, 0] + 1) / 2).clamp(0, 1).mul(255).round().byte().numpy())
    said([*words, str(tmp_path / "grid.png"), "--add-noise"], capsys)
    assert Image.open(tmp_path / "grid.png").size == (3 * 20 + 4, 3 * 20 + 4), "clean, noisy and denoised, three each"
    noisy = x + 0.5
    np.save(tmp_path / "noisy.npy", noisy.numpy())
    noisy_words = ["denoise", str(model.path), str(tmp_path / "noisy.npy"), "--sigma", ".25"]
    said([*noisy_words, "--out", str(tmp_path / "y.npy")], capsys)
    assert np.array_equal(np.load(tmp_path / "y.npy"), model.denoise(noisy, 0.5).numpy())


def test_filled_files_keep_what_is_known(
    kinds: Kinds, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["inpaint", str(kinds("filler")), str(pictures), "--mask", "left", "--out"]
    said([*words, str(tmp_path / "x.npz")], capsys)
    filled = np.load(tmp_path / "x.npz")["x"]
    x = load("digits").test.batch(torch.arange(3))["x"].numpy()
    assert np.array_equal(filled[..., 4:], x[..., 4:]) and not np.array_equal(filled, x)
    said([*words, str(tmp_path / "g.png")], capsys)
    assert Image.open(tmp_path / "g.png").size == (3 * 20 + 4, 2 * 20 + 4)


def test_a_run_is_measured_again(
    finished: tuple[Path, Results], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = finished
    run = path / "trials" / "rbm-k=2-seed1"
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    study = str(ROOT / "tests" / "tiny.py")
    out = tmp_path / "measured"
    printed = said(["evaluate", str(run), "--study", study, "--to", str(out)], capsys)
    outcome = Outcome.read(run)
    assert outcome is not None
    record = json.loads((out / "metrics.json").read_text())["metrics"]
    assert record == {key: value for key, value in outcome.metrics.items() if key.startswith("test/")}
    assert "on record" not in printed and (out / "test_chains.png").exists()
    validation = said(["evaluate", str(run), "--study", study, "--split", "validation"], capsys)
    assert f"{outcome.metrics['validation/log_likelihood']:.6g}" in validation
    only = said(["evaluate", str(run), "--only", "EnergyGap"], capsys)
    assert [line.split()[0] for line in only.splitlines()] == ["test/energy_gap"] and "on record" in only
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before, "the run's folder stays as it is"
    assert "got no measures: name the study's script" in refused(["evaluate", str(run)], capsys)
    assert "no evaluator 'Gap'" in refused(["evaluate", str(run), "--only", "Gap"], capsys)
    assert "LogLikelihood" in refused(["evaluate", str(run), "--only", "Gap"], capsys)
    assert "trained on (1, 8, 8)" in refused(["evaluate", str(run), "--only", "EnergyGap", "--data", "mnist5k"], capsys)
    monkeypatch.chdir(ROOT)
    other = refused(["evaluate", str(run), "--study", "sweeps/score_matching_1d.py"], capsys)
    assert "has no contender 'rbm', which the run is of" in other
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--help"])
    assert stopped.value.code == 0 and "--only" in capsys.readouterr().out


def test_best_names_runs_and_commands_that_parse(
    finished: tuple[Path, Results], stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, results = finished
    text = said(["best", str(path)], capsys)
    for row in results.rows:
        assert f"{row.metrics['validation/log_likelihood']}" in text
        assert str(gs.open_sweep(path).rows.loc[row.label, "best"]) in "".join(text.split())
    commands = [line for line in text.splitlines() if line.startswith("gibbsweep ")]
    assert len(commands) == 2
    for command in commands:
        _, name, *words = shlex.split(command)
        options, _ = COMMANDS[name]
        assert parse(options, words, prog="gibbsweep", description="").run  # type: ignore[attr-defined]
    only = said(["best", "s", "rbm", "--runs", str(path.parent)], capsys)
    assert "rbm k=1" in only and "mean" not in only
    assert "(best trial)" in said(["best", str(stopped)], capsys)
    assert "has no row rmb" in refused(["best", str(path), "rmb"], capsys)
    assert "there is no sweep 'never'" in refused(["best", "never", "--runs", str(path.parent)], capsys)


def test_export_writes_a_folder_that_its_own_words_load(
    kinds: Kinds, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(["export", str(kinds("gan")), "--to", str(tmp_path / "out")], capsys)
    assert f"python {tmp_path / 'out' / 'load_it.py'}" in text
    assert all(Path(line).exists() for line in text.split("\n\n")[0].splitlines())


def test_mistakes_are_a_sentence(
    kinds: Kinds, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rbm, ring, sounds = str(kinds("rbm")), str(kinds("ring")), str(kinds("sounds"))
    conditional, forest, score = str(kinds("conditional")), str(kinds("forest")), str(kinds("score"))
    picture, out = str(pictures / "0.png"), str(tmp_path / "x.png")
    (tmp_path / "text.png").write_text("no picture")
    for words, sentence in (
        (["sample", "nowhere"], "there is no run 'nowhere'"),
        (["sample", rbm, "--n", "0"], "ask for at least 1"),
        (["sample", rbm, "--columns", "0"], "--columns must be at least 1"),
        (["sample", rbm, "--steps", "0"], "at least 1"),
        (["sample", rbm, "--out", "x.wav"], "use .png, .npz, .npy, .gif"),
        (["sample", ring, "--out", "x.gif"], "use .png, .npz, .npy."),
        (["sample", sounds, "--out", "x.jpeg"], "use .png, .wav, .npz, .npy."),
        (["sample", rbm, "--out", str(tmp_path / "text.png" / "x.png")], "is a file"),
        (["sample", rbm, "--class", "3"], "cannot sample classes: it can sample"),
        (["sample", conditional, "--class", "fish"], "there is no class 'fish'"),
        (["sample", conditional, "--class", "0", "--out", "x.gif"], "leave these out, or write a .png"),
        (["sample", forest], "cannot sample: it can score anomalies"),
        (["sample", rbm, "--device", "gpu"], "the device 'gpu' cannot be used"),
        (["sample", rbm, "--study", "none.py"], "there is no study script 'none.py'"),
        (["score", rbm, str(tmp_path / "text.png")], "header of no known image format"),
        (["score", rbm, "none.png"], "there is no file 'none.png'"),
        (["score", rbm], "no file was named"),
        (["score", sounds, picture], "is a picture, and the model is of sounds"),
        (["score", score, picture, "--by", "energy"], "it scores by anomaly or density"),
        (["denoise", score, picture, "--sigma", "much", "--out", out], "--sigma 'much' is no number"),
        (["denoise", score, picture, "--sigma", "-1", "--out", out], "--sigma must be positive"),
        (["denoise", score, picture, "--add-noise", "--out", out], "--add-noise needs the noise level"),
        (["denoise", score, picture, "--out", out], "must be told the noise level"),
        (["denoise", rbm, picture, "--sigma", "0.1", "--out", out], "cannot denoise: it can sample"),
        (["inpaint", str(kinds("filler")), picture, "--mask", "hole", "--out", out], "names no hole"),
        (["inpaint", rbm, picture, "--mask", "half", "--out", out], "cannot inpaint"),
        (["inpaint", str(kinds("filler")), picture, "--mask", "half"], "--out is missing"),
    ):  # fmt: skip
        assert sentence in refused(words, capsys), words
    assert not Path(out).exists()
