"""Speech from a few small files in each set's real archive; the download alone is replaced."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.data.sounds import noise, wav

from gibbsweep.data import catalogue_rows, fetch, load
from gibbsweep.data.fetchers import speech
from gibbsweep.errors import UserError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def archive(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        folders = sorted({name.rpartition("/")[0] for name in files if "/" in name})
        for folder in folders:
            member = tarfile.TarInfo(folder)
            member.type = tarfile.DIRTYPE
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def fsdd_files() -> dict[str, bytes]:
    top = "free-spoken-digit-dataset-1.0.10"
    takes = {
        f"{top}/recordings/{digit}_{speaker}_{take}.wav": wav(noise(1000 + 100 * digit))
        for digit in range(3)
        for speaker in ("jackson", "theo")
        for take in (0, 4, 5, 10, 49)
    }
    return {f"{top}/README.md": b"#", **takes, f"{top}/utils/fsdd.py": b"", f"{top}/pip_requirements.txt": b""}


def test_fsdd_is_split_by_take(mirror: tuple[Path, str], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, address = mirror
    files = fsdd_files()
    archive(folder / "v1.0.10.tar.gz", files)
    monkeypatch.setattr(speech, "FSDD", f"{address}v1.0.10.tar.gz")
    fetch("fsdd")
    data = load("fsdd", validation=0.0)
    assert data.spec.shape == (1, 8000) and data.spec.sampling_rate == 8000 and data.classes == tuple("0123456789")
    assert (len(data.train), len(data.test)) == (18, 12)
    assert data.test.y is not None and data.test.y.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    table = pq.read_table(root / "fsdd" / "test.parquet")
    assert table["speaker"].to_pylist()[:4] == ["jackson", "jackson", "theo", "theo"]
    kept = table["audio"][3].as_py()["bytes"]
    assert kept == files["free-spoken-digit-dataset-1.0.10/recordings/0_theo_4.wav"]  # the file itself, bit for bit
    assert data.licence == "CC BY-SA 4.0"


def sc09_files() -> tuple[dict[str, bytes], list[str]]:
    """Two takes of the speaker 'aaaa' train, one of 'bbbb' tests, for every digit, and a word that is none."""
    names = [
        f"./{word}/{take}.wav"
        for word in (*DIGITS, "bed")
        for take in ("aaaa_nohash_0", "aaaa_nohash_1", "bbbb_nohash_0")
    ]
    files = {name: wav(noise(16_000 - 100 * (i % 3)), 16_000) for i, name in enumerate(names)}
    testing = "".join(f"{name.removeprefix('./')}\n" for name in names if "bbbb" in name)
    lists = {"./testing_list.txt": testing.encode(), "./validation_list.txt": b"zero/aaaa_nohash_1.wav\n"}
    noises = {"./_background_noise_/white_noise.wav": wav(noise(99), 16_000)}
    return {**files, **noises, **lists, "./README.md": b"x"}, names


@pytest.mark.parametrize("given", ["archive", "folder with the archive", "unpacked folder"])
def test_sc09_has_the_digits_alone(root: Path, tmp_path: Path, given: str) -> None:
    files, _ = sc09_files()
    source = tmp_path / "source"
    source.mkdir()
    path = archive(source / "speech_commands_v0.02.tar.gz", files)
    if given == "unpacked folder":
        with tarfile.open(path) as tar:
            tar.extractall(source, filter="data")
        path.unlink()
    fetch("sc09", source=path if given == "archive" else source)
    data = load("sc09", validation=0.0)
    assert data.spec.shape == (1, 16_000) and data.spec.sampling_rate == 16_000 and data.classes == DIGITS
    assert (len(data.train), len(data.test)) == (20, 10)
    assert data.test.y is not None and sorted(data.test.y.tolist()) == list(range(10))
    at_half = load("sc09@8000Hz", validation=0.0)
    assert at_half.spec.shape == (1, 8000) and at_half.spec.sampling_rate == 8000


def test_ljspeech_has_its_words(root: Path, tmp_path: Path) -> None:
    ids = ["LJ001-0001", "LJ002-0002", "LJ003-0001", "LJ050-0278"]
    lines = [f'{one}|It cost $5, "he" said|it cost five dollars, "he" said {i}' for i, one in enumerate(ids)]
    x = {one: noise(30_000 - 5000 * i) for i, one in enumerate(ids)}
    files = {f"LJSpeech-1.1/wavs/{one}.wav": wav(samples, 22_050) for one, samples in x.items()}
    files |= {"LJSpeech-1.1/metadata.csv": "\n".join(lines).encode(), "LJSpeech-1.1/README": b"x"}
    path = archive(tmp_path / "LJSpeech-1.1.tar.bz2", files, "w:bz2")
    fetch("ljspeech", source=path)
    data = load("ljspeech", validation=0.0)
    assert data.spec.shape == (1, 22_050) and data.spec.n_classes is None and data.spec.vocabulary_size is not None
    assert data.test.text(slice(None))[0] == 'it cost five dollars, "he" said 0'
    assert (len(data.train), len(data.test)) == (2, 2)
    assert np.array_equal(data.test.x[0, 0].numpy(), x["LJ001-0001"][:22_050])
    longer = load("ljspeech@30000", validation=0.0)
    assert np.array_equal(longer.test.x[0, 0].numpy(), x["LJ001-0001"])
    assert longer.test.batch(slice(None))["text"].shape[0] == 2


def without(files: dict[str, bytes], part: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if part not in name}


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("fsdd", {"README.md": b"x"}, "holds no recordings/DIGIT_SPEAKER_TAKE.wav"),
        ("sc09", without(sc09_files()[0], "testing_list"), "holds no testing_list.txt"),
        ("ljspeech", {"LJSpeech-1.1/wavs/LJ003-0001.wav": wav(noise(9), 22_050)}, "holds no metadata.csv"),
        (
            "ljspeech",
            {"L/metadata.csv": b"LJ004-0001|a|a", "L/wavs/LJ003-0001.wav": wav(noise(9), 22_050)},
            "metadata.csv .* has no line for L/wavs/LJ003-0001.wav",
        ),
    ],
)
def test_an_archive_of_something_else(tmp_path: Path, root: Path, name: str, files: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fetch(name, source=archive(tmp_path / "x.tar.gz", files))
    assert not list(root.glob(f"{name}/*.parquet"))


def test_a_damaged_or_missing_archive(tmp_path: Path) -> None:
    whole = archive(tmp_path / "v1.0.10.tar.gz", fsdd_files()).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    for bad in ("cut.tar.gz", "no.tar.gz"):
        with pytest.raises(UserError, match="no complete tar archive .*download it again"):
            fetch("fsdd", source=tmp_path / bad)
    with pytest.raises(UserError, match="does not hold the files of 'fsdd'"):
        fetch("fsdd", source=tmp_path / "nowhere")


def test_sounds_are_listed_before_they_are_here() -> None:
    rows = {row["name"]: row for row in catalogue_rows()}
    for name, shape in (("fsdd", (1, 8000)), ("sc09", (1, 16_000)), ("ljspeech", (1, 22_050))):
        assert rows[name]["shape"] == shape and not rows[name]["present"]
    with pytest.raises(UserError, match="run `gibbsweep data fetch fsdd`.*bundled 'tones'"):
        load("fsdd")
