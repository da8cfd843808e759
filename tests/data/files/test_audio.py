"""Sounds: WAV files in hub-style Parquet to (1, L) of one rate and one length."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.io import wavfile
from tests.data.sounds import noise, wav

from gibbsweep.cli import main
from gibbsweep.data import DataNeeds, DataView, Metadata, check_data, info, load, load_split, parse, write_parquet
from gibbsweep.data.formats.wav import decode_wav, encode_wav, fitted, resampled
from gibbsweep.errors import UserError


def put(root: Path, files: list[bytes], name: str = "mine", split: str = "train", **stated: Any) -> None:
    """ROOT/NAME/SPLIT.parquet of WAV files, labels i % 2, as the hub writes them."""
    (root / name).mkdir(exist_ok=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    audio = pa.array([{"bytes": one, "path": f"{i}.wav"} for i, one in enumerate(files)], kind)
    table = pa.table({"audio": audio, "label": pa.array([i % 2 for i in range(len(files))])})
    metadata = {b"gibbsweep": json.dumps({"classes": ["a", "b"], **stated}).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), root / name / f"{split}.parquet")


@pytest.mark.parametrize("length", [1, 100, 257])
def test_a_wav_file_round_trips(length: int) -> None:
    samples = noise(length)
    rate, back = decode_wav(encode_wav(samples, 22_050), where="here")
    assert rate == 22_050 and back.dtype == np.int16 and np.array_equal(back, samples)


def test_every_sample_format_is_the_same_sound() -> None:
    samples = (noise(64) // 256 * 256).astype(np.int16)  # what 8 bits can hold
    expected = samples.copy()
    forms = {
        "8 bits": (samples // 256 + 128).astype(np.uint8),
        "32 bits": samples.astype(np.int32) << 16,
        "floats": (samples / 32768).astype(np.float32),
        "doubles": samples / 32768,
    }
    for name, form in forms.items():
        assert np.array_equal(decode_wav(wav(form), where=name)[1], expected), name
    assert decode_wav(wav(np.array([1.0, -1.0])), where="ends")[1].tolist() == [32767, -32768]


def with_sizes(content: bytes, riff: int, data: int | None = None) -> bytes:
    """A WAV file with these sizes in its header."""
    content = content[:4] + riff.to_bytes(4, "little") + content[8:]
    if data is not None:
        start = content.index(b"data") + 4
        content = content[:start] + data.to_bytes(4, "little") + content[start + 4 :]
    return content


@pytest.mark.parametrize(
    ("riff", "data"),
    [(0, None), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFFFFF, 0x7FFFFFDB), (0, 0), (0xFFFFFFFF, 0), (0x80000024, 0x80000000)],
)
def test_a_stream_is_read_to_its_end(riff: int, data: int | None) -> None:
    """Headers that ffmpeg, sox and others write to a pipe, where they do not know the length."""
    samples = noise(100)
    for form in (samples, (samples / 32768).astype(np.float32)):
        content = with_sizes(wav(form), riff, data)
        rate, got = decode_wav(content, where="row 0")
        assert rate == 8000 and np.array_equal(got, samples)
        if data is not None:  # cut within a sample
            assert np.array_equal(decode_wav(content[:-1], where="row 0")[1], samples[:-1])


def test_a_header_of_a_whole_file_is_believed() -> None:
    content = wav(noise(100))
    extended = content[:-200] + content[-200:] + b"note" + (4).to_bytes(4, "little") + b"tail"
    extended = extended[:4] + (len(extended) - 8).to_bytes(4, "little") + extended[8:]
    assert np.array_equal(decode_wav(extended, where="row 0")[1], decode_wav(content, where="row 0")[1])


def test_bits_beyond_16_are_rounded_and_this_is_said(root: Path) -> None:
    fine = np.random.default_rng(0).integers(-(2**30), 2**30, 40, dtype=np.int32)
    put(
        root,
        [wav(noise(40)), wav(fine), wav(noise(40).astype(np.int32) << 16), wav((noise(40) / 3e5).astype(np.float32))],
    )
    data = load("mine", validation=0.0)
    assert data.note == "2 of 4 recordings have more than 16 bits and are rounded to 16"
    assert np.array_equal(data.train.x[1, 0], fine >> 16)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (None, "no audio bytes"),
        (b"fLaC" + bytes(40), "cannot be decoded as WAV"),
        (wav(noise(100))[:-60], "cannot be decoded as WAV"),
        (wav(noise(100))[:30], "cannot be decoded as WAV"),
        (with_sizes(wav(noise(100)), 0)[:40], "cannot be decoded as WAV"),
        (with_sizes(wav(noise(100)), 0)[:36], r"cannot be decoded as WAV \(it holds no samples\)"),
        (wav(np.stack([noise(10)] * 2, axis=1)), "2 channels.*mono"),
        (wav(noise(0)), "no samples"),
        (wav(np.array([0.5, 1.5])), r"up to 1.5: expected finite ones in \[-1, 1\]"),
        (wav(np.array([0.5, np.nan], np.float32)), "up to nan"),
    ],
)
def test_what_is_no_sound_is_refused(encoded: bytes | None, message: str) -> None:
    with pytest.raises(UserError, match=f"^row 7 .*{message}"):
        decode_wav(encoded, where="row 7")


def test_resampling_keeps_a_low_tone_and_removes_one_that_the_new_rate_cannot_hold() -> None:
    time = np.arange(1600) / 16_000
    low, high = (np.round(16_000 * np.sin(2 * np.pi * f * time)).astype(np.int16) for f in (500, 6000))
    new = resampled(low, 16_000, 8000)
    assert new.shape == (800,)
    expected = 16_000 * np.sin(2 * np.pi * 500 * np.arange(800) / 8000)
    assert np.abs(new - expected)[50:-50].max() < 0.01 * 16_000  # the filter needs some samples at the ends
    assert np.abs(resampled(high, 16_000, 8000)[50:-50]).max() < 0.01 * 16_000  # above 4 kHz: not folded down to 2 kHz
    assert resampled(low, 8000, 8000) is low
    assert len(resampled(low, 22_050, 16_000)) == -(-1600 * 16_000 // 22_050)


def test_full_scale_does_not_wrap_when_resampled() -> None:
    square = np.where(np.arange(400) % 40 < 20, 32_767, -32_768).astype(np.int16)
    new = resampled(square, 8000, 12_000)  # overshoots at every edge
    assert new.max() == 32_767 and new.min() == -32_768
    assert (np.sign(new[15:25]) == 1).all()


def test_fitting_cuts_and_pads_at_the_end() -> None:
    x = np.arange(12, dtype=np.int16).reshape(2, 1, 6)
    assert fitted(x, 4).tolist() == [[[0, 1, 2, 3]], [[6, 7, 8, 9]]]
    assert fitted(x, 7)[..., -1].tolist() == [[0], [0]] and np.array_equal(fitted(x, 7)[..., :6], x)


def test_a_set_is_loaded_as_amplitudes(root: Path) -> None:
    x = [noise(50) for _ in range(20)]
    put(root, [wav(one) for one in x], sampling_rate=8000)
    data = load("mine", validation=0.0)
    assert data.spec.shape == (1, 50) and data.spec.sampling_rate == 8000 and data.spec.n_classes == 2
    assert data.train.x.dtype == torch.int16 and np.array_equal(data.train.x[:, 0].numpy(), np.stack(x))
    batch = data.train.batch(torch.tensor([3, 5]))
    assert batch["x"].dtype == torch.float32 and batch["y"].tolist() == [1, 1]
    assert torch.equal(batch["x"][0, 0] * 32768, torch.from_numpy(x[3]).float())
    assert float(batch["x"].abs().max()) <= 1


def test_lengths_that_differ_need_one_that_is_stated(root: Path) -> None:
    lengths = [50, 30, 70, 50]
    x = [noise(length) for length in lengths]
    put(root, [wav(one) for one in x])
    with pytest.raises(UserError, match="row 1 .* is 30 samples long and row 0 50: name a length.*NAME@50"):
        load("mine")
    data = load("mine@40", validation=0.0)
    assert data.spec.shape == (1, 40) and data.spec.sampling_rate == 8000  # that of row 0, where none is stated
    assert np.array_equal(data.train.x[0, 0].numpy(), x[0][:40])
    assert data.train.x[1, 0, 30:].count_nonzero() == 0 and data.train.x[1, 0, :30].count_nonzero() > 20
    assert "3 of 4 recordings are longer than 40 samples" in data.note
    longer = load("mine@80", validation=0.0)  # decoded anew: what a shorter copy lost is there
    assert np.array_equal(longer.train.x[2, 0, :70].numpy(), x[2]) and longer.note == ""
    assert longer.fingerprint != data.fingerprint


def test_a_file_may_state_its_length(root: Path) -> None:
    put(root, [wav(noise(length)) for length in (50, 30, 70)], shape=[1, 60], sampling_rate=8000)
    assert load("mine").spec.shape == (1, 60) and load("mine@10").spec.shape == (1, 10)
    put(root, [wav(noise(5))] * 2, name="wrong", shape=[2, 60])
    with pytest.raises(UserError, match=r"states the shape \(2, 60\) of recordings: expected \(1, samples\)"):
        load("wrong")


def test_another_rate_is_refused_unless_resampling_is_asked_for(root: Path) -> None:
    put(root, [wav(noise(50)), wav(noise(100), 16_000)])
    with pytest.raises(UserError, match="row 1 .* is sampled at 16000 Hz and the set at 8000 Hz.*NAME@8000Hz"):
        load("mine")
    data = load("mine@8000Hz", validation=0.0)
    assert data.spec.shape == (1, 50) and data.spec.sampling_rate == 8000
    put(root, [wav(noise(50)), wav(noise(50))], name="stated", sampling_rate=16_000)
    with pytest.raises(UserError, match="row 0 .* at 8000 Hz and the set at 16000 Hz"):
        load("stated")
    put(root, [wav(noise(n), 16_000) for n in (50, 60)], name="long", sampling_rate=16_000, shape=[1, 64])
    assert load("long@8000Hz").spec.shape == (1, 32)  # the same duration
    assert load("long@20@8000Hz").spec.shape == (1, 20)


def test_sets_and_splits_of_two_rates_are_not_mixed(root: Path) -> None:
    put(root, [wav(noise(50)) for _ in range(9)])
    put(root, [wav(noise(50), 16_000) for _ in range(9)], split="test")
    with pytest.raises(UserError, match="test file of 'mine' is sampled at 16000 Hz.*mine@8000Hz"):
        _ = load("mine").test
    put(root, [wav(noise(50), 16_000) for _ in range(9)], name="other")
    with pytest.raises(UserError, match="'other' is sampled at 16000 Hz and 'mine' at 8000 Hz.*NAME@8000Hz"):
        load("mine").other("other", "train")
    assert len(load("mine").other("other@50@8000Hz", "train")) == 9


def test_units_and_forms_that_sounds_have_not(root: Path, make_set: Callable[..., Any]) -> None:
    make_set("pictures")
    for text, message in (
        ("pictures@8000Hz", "holds no sounds: leave @8000Hz out"),
        ("tones@4000Hz", "bundled at a rate of its own"),
        ("tones@5000000", "longer than 4194304 samples"),
    ):
        with pytest.raises(UserError, match=message):
            load(text)
    for loader in (load, lambda data, units: load_split(data, "train", units=units)):
        with pytest.raises(UserError, match="sounds have signed units"):
            loader("tones", units="binary")


def test_views_of_sounds(root: Path) -> None:
    put(root, [wav(noise(50)) for _ in range(40)])
    put(root, [wav(noise(50)) for _ in range(10)], split="test")
    assert len(load("mine[:10]", validation=0.25).train) == 10
    only = load("mine[1]", validation=0.0)
    assert only.classes == ("b",) and len(only.train) == 20 and len(only.test) == 5
    assert load("mine[-1]", validation=0.0).train.y is not None


@pytest.mark.parametrize("text", ["sc09@8000@4000Hz", "sc09[0,1,-1,:5]@4000Hz", "sc09@16Hz"])
def test_the_grammar_of_rates(text: str) -> None:
    view = parse(text)
    assert str(view) == text and view.rate in (4000, 16)
    assert view.fingerprint("x") != DataView(view.name, view.classes, view.exclude, view.size, view.limit).fingerprint(
        "x"
    )
    with pytest.raises(UserError, match="no view"):
        parse("sc09@4000hz")


def test_waveforms_are_written_as_wav_files(root: Path) -> None:
    x = np.stack([noise(30)[None] for _ in range(6)])
    path = root / "made" / "train.parquet"
    write_parquet(path, x, np.arange(6) % 2, metadata=Metadata(classes=("a", "b"), sampling_rate=11_025))
    assert pq.read_schema(path).field("audio").type.field(0).name == "bytes"
    first = pq.read_table(path)["audio"][0].as_py()["bytes"]
    assert wavfile.read(io.BytesIO(first))[0] == 11_025
    data = load("made", validation=0.0)
    assert data.spec.sampling_rate == 11_025 and np.array_equal(data.train.x.numpy(), x)
    with pytest.raises(ValueError, match="sounds have a rate"):
        write_parquet(root / "no" / "train.parquet", x, metadata=Metadata())


def test_an_export_of_the_hub_states_its_rate(root: Path) -> None:
    put(root, [wav(noise(9)) for _ in range(4)])
    path = root / "mine" / "train.parquet"
    features = {"audio": {"sampling_rate": 16_000, "_type": "Audio"}, "label": {"names": ["x", "y"]}}
    table = pq.read_table(path).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)
    with pytest.raises(UserError, match="at 8000 Hz and the set at 16000 Hz"):
        load("mine")


def test_info_tells_rate_and_duration(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = np.array([-32_768, 16_384, 0, 0], np.int16)
    for split in ("train", "test"):
        put(root, [wav(full), wav(np.roll(full, 1))], split=split)
    about = info("mine")
    assert (about["rate"], about["seconds"], about["shape"], about["train"]) == (8000, 4 / 8000, (1, 4), 2)
    assert (about["min"], about["max"], about["mean"], about["dtype"]) == (-1.0, 0.5, -0.125, "int16")
    assert about["std"] == pytest.approx((1.25 / 4 - 0.125**2) ** 0.5)
    main(["data", "info", "mine"])
    assert "rate         8000" in capsys.readouterr().out
    check_data(load("mine"), DataNeeds(dims=2, labels=True))
    with pytest.raises(UserError, match="holds sounds of shape .* needs images"):
        check_data(load("mine"), DataNeeds(dims=3))


def test_tones_are_what_they_are_called() -> None:
    tones = load("tones", validation=0.0)
    assert tones.spec.shape == (1, 1024) and tones.spec.sampling_rate == 8000 and len(tones.test) == 120
    x, y = tones.train.batch(slice(None))["x"][:, 0], tones.train.y
    assert y is not None
    early, late = x[:, 256:512].square().mean(1), x[:, 768:].square().mean(1)
    assert float((late / early)[y == 2].max()) < 0.2
    assert 0.5 < float((late / early)[y != 2].min())
    crossings = ((x[:, :-1] < 0) & (x[:, 1:] >= 0)).float()
    ratio = crossings[:, 768:].sum(1) / crossings[:, 256:512].sum(1)
    assert float(ratio[y == 1].mean()) > 1.25 and abs(float(ratio[y == 0].mean()) - 1) < 0.1
    peak = x.abs().amax(1)
    assert 0.29 < float(peak.min()) and float(peak.max()) < 0.91
    assert load("tones@100").spec.shape == (1, 100) and load("tones@2048").train.x[..., 1024:].count_nonzero() == 0


def test_spoken_digits_are_cut_or_padded_to_a_second(any_root: Callable[[str], Path]) -> None:
    root = any_root("fsdd")
    data = load("fsdd", root=root)
    assert data.spec.shape == (1, 8000) and data.spec.sampling_rate == 8000 and data.spec.n_classes == 10
    column = pq.read_table(root / "fsdd" / "test.parquet")["audio"].to_pylist()
    sounds = [wavfile.read(io.BytesIO(one["bytes"]))[1] for one in column]
    assert {len(sound) < 8000 for sound in sounds} == {len(sound) > 8000 for sound in sounds} == {False, True}
    assert len(data.test) == len(sounds)
    for ours, theirs in zip(data.test.x[:, 0].numpy(), sounds, strict=True):
        length = min(8000, len(theirs))
        assert np.array_equal(ours[:length], theirs[:length]) and not ours[length:].any()


@pytest.mark.real_data
def test_the_spoken_digits_are_whole(real_root: Callable[[str], Path]) -> None:
    data = load("fsdd", root=real_root("fsdd"))
    assert len(data.train) + len(data.validation) == 2700 and len(data.test) == 300
    assert 0.02 < float(data.train.batch(slice(0, 500))["x"].std()) < 0.1
