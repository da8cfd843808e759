"""Data sets: found in a folder, fetched or bundled; decoded once on a node; memory-mapped by every trial.

    digits = load("mnist5k")
    digits.train.batch(torch.arange(100))     # {"x": (100, 1, 28, 28) in [-1, 1], "y": (100,)}

    load("mnist[4,9]@16")                     # a view: two classes, 16x16; see DataView for the grammar

Canonical form: ``ROOT/NAME/{train,test}.parquet`` in the convention of the Hugging Face hub: a column ``image`` of
``struct<bytes: binary, path: string>`` that holds PNG or JPEG files, or ``audio`` of the same that holds WAV files, or
``voxels`` of packed bits, or ``vector`` of lists of numbers; optionally ``label`` (whole numbers from 0 without gaps,
or names) and ``text`` (captions). The key ``gibbsweep`` of the schema's metadata may state shape, classes, source and
licence, and the sampling_rate of sounds; without it they are derived. Any folder in this form loads under its own name.

Read as well: the hub's own layouts (``data/train-00000-of-00002.parquet``, a configuration's folder; columns ``img``,
``labels``, ``fine_label``, ``caption``), and folders of image files, ``NAME/{train,test}/CLASS/*.png``. A torch
``Dataset`` becomes a data set by :func:`write_dataset`, a folder of images anywhere by :func:`import_images`.

Where a line belongs, from the bottom up (imports point down only):

- ``catalogue``: a data set that is known by name, and the folders in which data sets lie
- ``formats``: a file format of one example (PNG, WAV, OFF), in memory
- ``tables``: decoded examples, in memory or as a mapped file of the cache, and their metadata and vocabulary
- ``files``: what Parquet files and folders of images may hold, how they are read and written
- ``bundled``: a data set that needs no download
- ``loading``: views and splits; ``load`` itself
- ``inspection``: facts about a data set for people and for studies: ``gibbsweep data list | info``, ``check_data``
- ``fetchers``: a data set that is downloaded from its own source: ``gibbsweep data fetch``
"""

from gibbsweep.data.catalogue.catalogue import CATALOGUE
from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.fetchers.fetch import Fetched, fetch
from gibbsweep.data.files.import_folder import import_images
from gibbsweep.data.files.torch_dataset import write_dataset
from gibbsweep.data.files.writing import Part, write_parquet, write_parts
from gibbsweep.data.inspection.info import info
from gibbsweep.data.inspection.listing import catalogue_rows
from gibbsweep.data.inspection.noise_levels import NoiseScales, noise_scales
from gibbsweep.data.inspection.requirements import DataNeeds, check_data
from gibbsweep.data.loading.dataset import Dataset, Split, load, load_split
from gibbsweep.data.loading.split import TableSplit
from gibbsweep.data.loading.view import DataView, parse
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.vocabulary import Vocabulary

__all__ = [
    "CATALOGUE",
    "DataNeeds",
    "DataView",
    "Dataset",
    "Entry",
    "Fetched",
    "Metadata",
    "NoiseScales",
    "Part",
    "Split",
    "TableSplit",
    "Vocabulary",
    "catalogue_rows",
    "check_data",
    "fetch",
    "import_images",
    "info",
    "load",
    "load_split",
    "noise_scales",
    "parse",
    "write_dataset",
    "write_parquet",
    "write_parts",
]
