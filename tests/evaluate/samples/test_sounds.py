"""What is measured of sounds, and what is kept of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from torch import Tensor

from gibbsweep.data import Metadata, load, write_parquet
from gibbsweep.errors import UserError
from gibbsweep.evaluate import (
    ClassAccuracy,
    SampleDistances,
    SoundSamples,
    evaluate_all,
    feature_network,
    spectrogram_grid,
)
from gibbsweep.evaluate.features import classifier
from gibbsweep.evaluate.features.classifier import prepared_classifier
from gibbsweep.evaluate.samples.sounds import one_after_another
from gibbsweep.results.gallery import copy_sounds
from gibbsweep.train import Budget, Sound, SpoolReporter
from gibbsweep_models.draws import randn
from gibbsweep_models.types import Samples, System, Trace


class Tape(System):
    """Plays training examples, or noise; asked for a class it plays one of it, or of the next class if ``wrong``."""

    def __init__(self, x: Tensor, y: Tensor, noise: float = 0.0, wrong: bool = False) -> None:
        super().__init__()
        self.x, self.y, self.noise, self.wrong = x, y, noise, wrong

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        places = torch.randperm(len(self.x), generator=generator)[:n]
        return Samples(self.x[places] + self.noise * randn((n, *self.x.shape[1:]), generator=generator), nfe=3)

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        asked = (y + self.wrong) % 3
        return Samples(torch.stack([self.x[self.y == int(label)][0] for label in asked]), nfe=1)


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cache(module_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache for all tests here, and a training of a second."""
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(module_cache))
    monkeypatch.setattr(classifier, "_budget", lambda dataset: Budget(60, 32, 60))
    return module_cache


def tape(noise: float = 0.0, wrong: bool = False) -> Tape:
    batch = load("tones").train.batch(slice(None))
    return Tape(batch["x"], batch["y"], noise, wrong)


def test_sounds_have_a_classifier_of_their_spectrograms(cache: Path) -> None:
    prepared = prepared_classifier(load("tones"))
    assert prepared.accuracy > 0.9
    assert prepared.validation_rows == 48 and prepared.data == "tones"
    assert prepared_classifier(load("tones[0,2]")) is prepared
    assert feature_network(load("tones"), "classifier").description.startswith("tones classifier: 128 features")


def test_another_rate_has_a_classifier_of_its_own(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tones = load("tones").train
    metadata = Metadata(classes=("hum", "glide", "pluck"), sampling_rate=8000)
    assert tones.y is not None
    write_parquet(tmp_path / "mine" / "train.parquet", tones.x.numpy(), tones.y.numpy(), metadata=metadata)
    monkeypatch.setattr(classifier, "_budget", lambda dataset: Budget(2, 16, 2))
    slow = prepared_classifier(load("mine@4000Hz", root=tmp_path))
    assert slow.data == "mine@4000Hz" and slow.system.network.shape == (1, 512)
    assert prepared_classifier(load("mine[0,1]@4000Hz", root=tmp_path)) is slow


def test_sounds_are_compared_in_its_features(cache: Path) -> None:
    dataset = load("tones")

    def measured(system: Tape) -> dict[str, float]:
        evaluators = (SampleDistances(n=48),)
        return dict(evaluate_all(evaluators, system, dataset.validation, prefix="v", seed=0, step=1).metrics)

    data, noise = measured(tape()), measured(tape(noise=0.5))
    assert data["v/frechet_distance"] < 0.2 * noise["v/frechet_distance"]
    assert data["v/kernel_distance"] < noise["v/kernel_distance"]
    assert data["v/class_inception_score"] > 2 > noise["v/class_inception_score"]


def test_what_was_asked_for_is_heard(cache: Path) -> None:
    split = load("tones").validation
    for wrong, low, high in ((False, 0.9, 1.0), (True, 0.0, 0.1)):
        metrics = evaluate_all((ClassAccuracy(30, 8),), tape(wrong=wrong), split, prefix="v", seed=0, step=1).metrics
        assert low <= metrics["v/class_accuracy"] <= high and metrics["v/class_accuracy_n"] == 30
        assert metrics["v/class_accuracy_real"] > 0.85


def test_samples_are_kept_as_a_picture_and_a_sound(tmp_path: Path) -> None:
    split = load("tones").validation
    evaluation = evaluate_all((SoundSamples(5, 3, real=True),), tape(), split, prefix="test", seed=0, step=1)
    assert set(evaluation.images) == {"test/spectrograms", "test/real_spectrograms"}
    assert set(evaluation.sounds) == {"test/samples", "test/real_samples"}
    sound = evaluation.sounds["test/samples"]
    assert sound.rate == 8000 and len(sound.samples) == 5 * (1024 + 1200)
    assert evaluation.metrics["test/sound_nfe"] == 3 and evaluation.metrics["test/sound_cut_share"] == 0
    assert evaluation.metrics["test/sound_seconds_per_second"] > 0
    spool = SpoolReporter(tmp_path / "run")
    spool(7, evaluation.metrics, evaluation.images, evaluation.sounds)
    spool.close()
    rate, samples = wavfile.read(tmp_path / "run" / "sounds" / "test" / "samples" / "00000007.wav")
    assert rate == 8000 and np.array_equal(samples, sound.samples)
    copy_sounds({"a b": tmp_path / "run", "none": tmp_path}, "samples", tmp_path / "results", "audio")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["audio_samples_a_b.wav"]
    assert (tmp_path / "run" / "images" / "test" / "spectrograms" / "00000007.png").exists()


def test_what_is_too_loud_is_cut_and_counted() -> None:
    x = torch.tensor([[[0.0, 0.5, 2.0, -3.0]], [[1.0, -1.0, 0.0, 0.0]]])
    sound = one_after_another(x, 20)
    assert sound.samples.tolist() == [0, 16_384, 32_767, -32_768, 0, 0, 0, 32_767, -32_768, 0, 0, 0, 0, 0]
    system = Tape(x, torch.zeros(2))
    split = load("tones").validation
    metrics = evaluate_all((SoundSamples(2),), Loud(system), split, prefix="v", seed=0, step=1).metrics
    assert metrics["v/sound_cut_share"] == 0.25


class Loud(System):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        return Samples(self.tape.x[:n].repeat(1, 1, 200), nfe=1)


def test_pictures_are_not_sounds() -> None:
    with pytest.raises(UserError, match="'digits' holds no sounds"):
        evaluate_all((SoundSamples(2),), tape(), load("digits").validation, prefix="v", seed=0, step=1)


def test_a_picture_shows_every_sound() -> None:
    x = load("tones").train.batch(slice(0, 5))["x"]
    wide, tall = spectrogram_grid(x, 8000, columns=5), spectrogram_grid(x, 8000, columns=1)
    assert wide.dtype == np.uint8 and wide.shape[1] > 3 * wide.shape[0] and tall.shape[0] > 3 * tall.shape[1]


def test_a_sound_is_a_wav_file_anyone_reads() -> None:
    from gibbsweep.data.formats.wav import encode_wav

    sound = Sound(np.array([1, -2, 3], np.int16), 16_000)
    rate, samples = wavfile.read(io.BytesIO(encode_wav(sound.samples, sound.rate)))
    assert (rate, samples.tolist()) == (16_000, [1, -2, 3])
