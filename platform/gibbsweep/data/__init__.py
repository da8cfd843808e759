"""Data sets: found in a folder, fetched or bundled; decoded once on a node; memory-mapped by every trial.

    digits = load("mnist5k")
    digits.train.batch(torch.arange(100))     # {"x": (100, 1, 28, 28) in [-1, 1], "y": (100,)}

Canonical form: ``ROOT/NAME/{train,test}.parquet`` in the convention of the Hugging Face hub: a column ``image`` of
``struct<bytes: binary, path: string>`` holding PNG or JPEG files, optionally ``label`` (integers) and ``text``. The key
``gibbsweep`` of the schema's metadata may state shape, classes, source and licence; without it they are derived. Any folder
in this form loads under its own name.
"""

from gibbsweep.data.catalogue import CATALOGUE, Entry
from gibbsweep.data.dataset import Dataset, load, load_split
from gibbsweep.data.fetch import Fetched, fetch
from gibbsweep.data.info import catalogue_rows, info
from gibbsweep.data.parquet import write_parquet
from gibbsweep.data.split import Split
from gibbsweep.data.table import Metadata

__all__ = [
    "CATALOGUE",
    "Dataset",
    "Entry",
    "Fetched",
    "Metadata",
    "Split",
    "catalogue_rows",
    "fetch",
    "info",
    "load",
    "load_split",
    "write_parquet",
]
