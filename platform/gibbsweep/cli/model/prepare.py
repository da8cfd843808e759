"""``gibbsweep evaluate``: the networks in whose features samples are measured."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class PrepareOptions:
    """The options of ``gibbsweep evaluate prepare``."""

    data: str = "mnist"
    """Data set (see `gibbsweep data list`)."""
    features: Literal["classifier", "inception"] = "classifier"
    """The data set's own classifier, or Inception v3 for numbers that compare with published ones."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA, else the user's data folder)."""


def prepare(options: PrepareOptions) -> None:
    """Train the network in whose features samples are measured, once for each data set."""
    from gibbsweep.data import load
    from gibbsweep.evaluate.features.classifier import prepared_classifier
    from gibbsweep.evaluate.features.network import feature_network

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("gibbsweep.evaluate").setLevel(logging.INFO)
    dataset = load(options.data, root=options.data_root)
    network = feature_network(dataset, options.features)
    print(network.description)
    if options.features == "classifier":
        print(prepared_classifier(dataset).path)
