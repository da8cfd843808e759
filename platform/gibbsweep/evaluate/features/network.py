"""The networks in whose features samples are compared with data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.error import URLError

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError
from gibbsweep.evaluate.features.classifier import prepared_classifier

OwnClassifier = Literal["classifier", "brief"]
"""The data set's own classifier, whole (see ``gibbsweep evaluate prepare``), or after a few updates: for a run whose
numbers only have to come, and which should not wait minutes for a network."""
Features = Literal["classifier", "inception"]
"""The kind of network: ``classifier`` is the data set's own (see ``gibbsweep evaluate prepare``), ``inception`` is
Inception v3 trained on ImageNet, for numbers that compare with published ones."""


FeatureKind = Features | OwnClassifier
"""Every kind: ``brief``, too."""


def brief(features: FeatureKind) -> FeatureKind:
    """The kind in the place of ``features`` where numbers only have to come. Inception is trained already."""
    return "inception" if features == "inception" else "brief"


def own(features: FeatureKind) -> OwnClassifier:
    """The kind of the data set's own classifier that goes with ``features``."""
    return "brief" if features == "brief" else "classifier"


@dataclass(frozen=True)
class FeatureNetwork:
    """A network that gives features and class probabilities of examples.

    Example::

        network = feature_network(load("digits"), "classifier")
        features, log_probabilities = network(x)
    """

    name: str
    """What a table states beside a distance."""
    description: str
    """More of it: the number of features, and how accurate it is."""
    call: Callable[[Tensor], tuple[Tensor, Tensor]]
    """Examples (B, *D) in [-1, 1] -> features (B, F) and logits (B, K)."""

    @torch.no_grad()
    def __call__(self, x: Tensor, *, binary: bool = False, batch_size: int = 256) -> tuple[Tensor, Tensor]:
        """Features (N, F) and ln p(y | x) (N, K) of ``x`` (N, *D) in [-1, 1], or in [0, 1] if ``binary``."""
        signed = 2 * x - 1 if binary else x
        features, logits = zip(*(self.call(part) for part in torch.split(signed.float(), batch_size)), strict=True)
        return torch.cat(features), F.log_softmax(torch.cat(logits), dim=1)


def feature_network(dataset: Dataset, features: FeatureKind, device: torch.device | str = "cpu") -> FeatureNetwork:
    """The network of kind ``features`` for ``dataset``, prepared first if it must be.

    Raises UserError where the data set has no such network, or where Inception's package or weights are missing.
    """
    if features == "inception":
        shape = dataset.spec.shape
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise UserError(
                f"Inception sees images: '{dataset.name}' has examples of {shape}; use the features 'classifier'."
            )
        return _inception(torch.device(device))
    prepared = prepared_classifier(dataset, brief=features == "brief")
    network = prepared.system.to(device).network

    def call(x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = network.features(x)
        return hidden, network.readout(hidden)

    name = f"{prepared.data} classifier"
    if features == "brief":
        name += f" after {prepared.updates} updates"
    description = (
        f"{name}: {prepared.n_features} features, accuracy {prepared.accuracy:.4f} on {prepared.validation_rows} "
        "examples set aside"
    )
    return FeatureNetwork(name, description, call)


@cache
def _inception(device: torch.device) -> FeatureNetwork:
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        network = NoTrainInceptionV3("inception-v3-compat", ["2048"]).to(device)
    except ModuleNotFoundError as error:
        raise UserError(
            "the features 'inception' need the package torch-fidelity, which is not installed: install "
            "gibbsweep[inception], or use the features 'classifier'."
        ) from error
    except (URLError, OSError, RuntimeError) as error:
        from torch.hub import get_dir

        raise UserError(
            f"the features 'inception' need the weights of Inception v3, and their download failed ({error}): put "
            f"weights-inception-2015-12-05-6726825d.pth (a release file of torch-fidelity) into "
            f"{get_dir()}/checkpoints, or use the features 'classifier'."
        ) from error

    def call(x: Tensor) -> tuple[Tensor, Tensor]:
        pixels = ((x.clamp(-1, 1) + 1) * 127.5).round().byte()
        features = network(pixels.expand(-1, 3, -1, -1))
        return features, features @ network.fc.weight.T  # torch-fidelity's "logits_unbiased"

    return FeatureNetwork("Inception v3", "Inception v3 trained on ImageNet: 2048 features", call)
