"""``gibbsweep data list | fetch | import | info``."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True)
class ListOptions:
    """Options of ``gibbsweep data list``."""

    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA, else the user's data folder)."""


@dataclass(frozen=True)
class FetchOptions:
    """Options of ``gibbsweep data fetch``."""

    name: Positional[str]
    """Name of the data set (see `gibbsweep data list`)."""
    data_root: OrDefault[Path] = None
    """Folder to write to (default: $GIBBSWEEP_DATA, else the user's data folder)."""
    source: Annotated[OrDefault[Path], arg(name="from")] = None
    """The set's own files, where you have them already (needed for shapenet), instead of a download."""


@dataclass(frozen=True)
class ImportOptions:
    """Options of ``gibbsweep data import``."""

    folder: Positional[Path]
    """Folder of image files; folders in it are classes, or `train` and `test`, which hold classes."""
    name: str
    """Name of the new data set."""
    size: OrDefault[int] = None
    """Edge that the middle square of each image is brought to (default: as they are, all of one size)."""
    colour: OrDefault[Literal["grey", "rgb"]] = None
    """Bring all images to grey or to colour (default: as they are, all alike)."""
    data_root: OrDefault[Path] = None
    """Folder to write to (default: $GIBBSWEEP_DATA, else the user's data folder)."""


@dataclass(frozen=True)
class InfoOptions:
    """Options of ``gibbsweep data info``."""

    name: Positional[str]
    """Name of the data set (see `gibbsweep data list`)."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA, else the user's data folder)."""
    noise: bool = False
    """Say instead which noise levels suit the data: sigma_data, distances, and NCSNv2's ladder and step size."""
    limit: int = 10_000
    """With --noise: compare this many training examples; the cost grows with its square."""
    sigma_min: float = 0.02
    """With --noise: the lowest noise level, in the units of [-1, 1] (NCSN's .01 of [0, 1] pixels)."""
    steps_per_level: int = 5
    """With --noise: Langevin steps a level, which the step size depends on."""


def list_sets(options: ListOptions) -> None:
    """List the data sets that are bundled, present or can be fetched."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gibbsweep.data import catalogue_rows

    signs = _signs()
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name in ("name", "train", "test", "shape", "classes", "state", "what"):
        right = name in ("train", "test", "classes")
        # Only the last column may wrap: it holds sentences, which would squeeze all others to nothing.
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "what")
    for row in catalogue_rows(options.data_root):
        shape = signs.times.join(map(str, row["shape"])) if row["shape"] else signs.none
        absent = "to fetch" if row["how"] == "fetched" else "to add"
        state = "bundled" if row["how"] == "bundled" else "here" if row["present"] else absent
        counts = {key: signs.none if row[key] is None else f"{row[key]:,}" for key in ("train", "test", "classes")}
        cells = (row["name"], counts["train"], counts["test"], shape, counts["classes"], state)
        table.add_row(*(Text(cell) for cell in (*cells, row["description"])), style="dim" if state == absent else None)
    Console().print(table)


def fetch_set(options: FetchOptions) -> None:
    """Download a data set and write it in the canonical form."""
    from gibbsweep.data import fetch

    print(fetch(options.name, options.data_root, options.source).message)


def import_set(options: ImportOptions) -> None:
    """Take a folder of image files into the data sets, under a name that every study accepts."""
    from gibbsweep.data import import_images, load

    paths = import_images(
        options.folder, options.name, size=options.size, colour=options.colour, root=options.data_root
    )
    try:
        dataset = load(options.name, root=options.data_root, validation=0.0)
    except UserError:
        for path in paths.values():  # what cannot be loaded is no data set
            path.unlink()
        raise
    splits = [f"{len(dataset.train):,} to train"] + ([f"{len(dataset.test):,} to test"] if "test" in paths else [])
    classes = f", {len(dataset.classes)} classes" if dataset.classes else ""
    shape = _signs().times.join(map(str, dataset.spec.shape))
    print(f"{options.name}: {' and '.join(splits)}, {shape}{classes}; use it with --data {options.name}")
    print(paths["train"].parent)


def show_info(options: InfoOptions) -> None:
    """Say all about one data set: source, licence, rows, value statistics; or which noise levels suit it."""
    from gibbsweep.data import info

    if options.noise:
        return _show_noise(options)
    signs = _signs()
    facts = info(options.name, options.data_root)
    histogram = facts.pop("histogram")
    labels = facts.pop("labels")
    width = max(map(len, facts))
    for name, value in facts.items():
        if value is not None or name in ("train", "test"):
            print(f"{name:<{width}}  {signs.none if value is None else _plain(value)}")
    if labels:
        print(f"{'labels':<{width}}  " + ", ".join(f"{name}: {count}" for name, count in labels.items()))
    most = max(count for _, _, count in histogram) or 1
    columns = min(40, shutil.get_terminal_size().columns - width - 24)
    for i, (low, high, count) in enumerate(histogram):
        label = "values" if i == 0 else ""
        print(f"{label:<{width}}  {low:>7.3g} to {high:<7.3g} {signs.bar * round(columns * count / most)} {count}")


def _show_noise(options: InfoOptions) -> None:
    from gibbsweep.data import noise_scales

    signs = _signs()
    scales = noise_scales(
        options.name,
        options.data_root,
        limit=options.limit,
        sigma_min=options.sigma_min,
        steps_per_level=options.steps_per_level,
    )
    part = f"{scales.n:,} of {scales.total:,} training examples"
    bound = "" if scales.n == scales.total else ", so a lower bound"
    no_rule = f"{signs.none}  (technique 2 says nothing below five dimensions)"
    rows = [
        ("measured on", f"{part}, {scales.dim:,} values each, in the units that models see"),
        ("sigma_data", f"{scales.sigma_data:.4f}"),
        ("max distance", f"{scales.max_distance:.3f}  (NCSNv2's sigma_max, technique 1{bound})"),
        ("median distance", f"{scales.median_distance:.3f}  (among {scales.n_median:,})"),
        ("sigma_min", f"{scales.sigma_min:g}  (chosen: --sigma-min)"),
        ("gamma", no_rule if scales.gamma is None else f"{scales.gamma:.4f}  (technique 2, overlap .5)"),
        ("levels L", signs.none if scales.n_levels is None else f"{scales.n_levels}"),
    ]
    if scales.eps is not None and scales.step_size is not None:
        steps = f"{scales.steps_per_level} steps a level"
        rows.append(("epsilon", f"{scales.eps:.3g}  (technique 4, {steps})"))
        rows.append(("step_size", f"{scales.step_size:.4f}  (epsilon / sigma_min{signs.square}: AnnealedLangevin's)"))
    rows.append(("EDM p_mean", f"{scales.p_mean:.2f}  (-1.2 at sigma_data .5, moved to this scale; p_std 1.2)"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


@dataclass(frozen=True)
class _Signs:
    """Signs of tables and bars that the terminal can show."""

    bar: str = "█"
    times: str = "×"
    none: str = "–"
    square: str = "²"


def _signs() -> _Signs:
    """Signs in the encoding of standard output. Names of classes and sources that it cannot show get ``?`` instead
    (:func:`gibbsweep.cli.shell.terminal.lasting_output`)."""
    signs = _Signs()
    try:
        f"{signs.bar}{signs.times}{signs.none}{signs.square}".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return _Signs("#", "x", "-", "^2")
    return signs


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
