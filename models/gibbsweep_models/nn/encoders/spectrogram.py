"""Sounds as pictures: log-mel spectrograms, and a classifier on them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.classifier import ConvClassifier

_FLOOR = 1e-8
"""Smallest power beside that of a full-scale tone: 80 dB below, near the noise of recordings."""


def n_fft_of(rate: int) -> int:
    """The window: the power of two next to 32 ms, 256 at 8 kHz, 512 at 16 kHz."""
    return int(2 ** round(math.log2(0.032 * rate)))


def power_spectrogram(x: Tensor, n_fft: int) -> Tensor:
    """The power of sounds (B, 1, L) in [-1, 1] in a Hann window about each frame, in units of that of a sine of
    amplitude 1 at the middle of a bin -> (B, n_fft / 2 + 1, 1 + L // hop), hop = n_fft / 2."""
    window = torch.hann_window(n_fft, device=x.device)
    spectrum = torch.stft(
        x.squeeze(1).float(),
        n_fft,
        hop_length=n_fft // 2,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return (spectrum.abs() * (2.0 / window.sum())).square()


def mel(frequency: Tensor) -> Tensor:
    """Hz to mel: 2595 log10(1 + f / 700) (O'Shaughnessy 1987)."""
    return 2595.0 * torch.log10(1.0 + frequency / 700.0)


def mel_filters(n_mels: int, n_fft: int, rate: int) -> Tensor:
    """Triangles of height 1 whose corners are even in mel from 0 Hz to rate / 2: (n_mels, n_fft / 2 + 1)."""
    corners = torch.linspace(0.0, float(mel(torch.tensor(rate / 2.0))), n_mels + 2)
    bins = mel(torch.linspace(0.0, rate / 2.0, n_fft // 2 + 1))
    low, centre, high = (corners[i : i + n_mels, None] for i in range(3))
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return torch.minimum(rising, falling).clamp_(min=0.0)


class LogMel(nn.Module):
    """Pictures (B, 1, n_mels, frames) of sounds (B, 1, L): the logarithm of the power in mel bands, -1 at silence and 1
    at a tone of full scale."""

    filters: Tensor
    """The mel bands, (n_mels, n_fft / 2 + 1)."""

    def __init__(self, rate: int, n_mels: int = 40) -> None:
        super().__init__()
        self.n_fft = n_fft_of(rate)
        self.register_buffer("filters", mel_filters(n_mels, self.n_fft, rate), persistent=False)

    def shape(self, length: int) -> tuple[int, int, int]:
        """The shape of the picture of a sound of ``length`` samples."""
        return (1, len(self.filters), 1 + length // (self.n_fft // 2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, L) -> (B, 1, n_mels, frames)."""
        power = self.filters @ power_spectrogram(x, self.n_fft)
        return (1.0 - 2.0 * torch.log(power + _FLOOR) / math.log(_FLOOR))[:, None]


class SpectrogramClassifier(nn.Module):
    """A :class:`~gibbsweep_models.nn.encoders.classifier.ConvClassifier` on the log-mel spectrograms of sounds (1,
    L)."""

    def __init__(
        self, shape: tuple[int, ...], rate: int, n_classes: int, channels: tuple[int, ...], n_features: int
    ) -> None:
        super().__init__()
        self.spectrogram = LogMel(rate)
        if len(shape) != 2 or shape[0] != 1 or shape[1] < self.spectrogram.n_fft:
            raise ValueError(
                f"got sounds of {tuple(shape)} at {rate} Hz, expected (1, L) with L >= {self.spectrogram.n_fft}, one "
                "window; take longer ones"
            )
        self.shape = tuple(shape)
        self.classifier = ConvClassifier(self.spectrogram.shape(shape[1]), n_classes, channels, n_features)

    def features(self, x: Tensor) -> Tensor:
        """(B, 1, L) -> (B, n_features)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the classifier with "
                "the data's shape"
            )
        return self.classifier.features(self.spectrogram(x))

    def readout(self, features: Tensor) -> Tensor:
        """(B, n_features) -> (B, n_classes)."""
        logits: Tensor = self.classifier.readout(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, L) -> (B, n_classes)."""
        return self.readout(self.features(x))
