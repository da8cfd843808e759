"""Reads ShapeNet, whose licence forbids passing it on, from a folder of the user's binvox or OBJ files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from numpy.typing import NDArray

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Loaded, Source, in_parts
from gibbsweep.data.formats.meshes import binvox_grid, mesh_grid
from gibbsweep.errors import UserError

_SYNSETS = {
    "02691156": "airplane",
    "02828884": "bench",
    "02933112": "cabinet",
    "02958343": "car",
    "03001627": "chair",
    "03211117": "display",
    "03636649": "lamp",
    "03691459": "loudspeaker",
    "04090263": "rifle",
    "04256520": "sofa",
    "04379243": "table",
    "04401088": "telephone",
    "04530566": "watercraft",
}
"""Names of the thirteen categories of most studies; others are named by taxonomy.json, or by their number."""

_TEST_IN = 5  # one model in five tests
_FEW = 100  # so many models, or fewer, are voxelized in one process


def fetch_shapenet(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads ``PATH/SYNSET/MODEL/``: the solid binvox file, else any but the surface's, else the OBJ file."""
    if not source.path.is_dir():
        raise UserError(f"{source.path} is no folder: expected one that holds SYNSET/MODEL/ with binvox or OBJ files")
    models = [(path.parent.name, path) for path in sorted(source.path.glob("[0-9]*/*/"))]
    synsets = sorted({synset for synset, _ in models})
    names = _SYNSETS | _taxonomy(source.path)
    chosen = [(synsets.index(synset), path) for synset, path in models if _in_test(path.name) == (split == "test")]
    if not chosen:
        raise UserError(
            f"{source.path} gives {len(models)} models SYNSET/MODEL/ and none of them for the {split} split: expected "
            "at least a few dozen, such as 03001627/1a6f615e8b1b5ae4dbbc9440457e303e/"
        )
    return Loaded(in_parts(_grids(chosen)), tuple(names.get(synset, synset) for synset in synsets))


def _in_test(model: str) -> bool:
    """Whether a model tests: one in five does, chosen by a hash of its name alone."""
    return hashlib.sha256(model.encode()).digest()[0] % _TEST_IN == 0


def _taxonomy(folder: Path) -> dict[str, str]:
    path = folder / "taxonomy.json"
    if not path.exists():
        return {}
    try:
        return {str(one["synsetId"]): str(one["name"]).split(",")[0] for one in json.loads(path.read_text())}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no list of synsetId and name ({error}): replace or remove it") from error


def _grids(models: list[tuple[int, Path]]) -> Iterator[tuple[NDArray[Any], int]]:
    tasks = (delayed(_grid)(path) for _, path in models)
    grids = Parallel(n_jobs=1 if len(models) <= _FEW else -1, return_as="generator")(tasks)
    for (label, _), grid in zip(models, grids, strict=True):
        yield grid[None], label


def _grid(model: Path) -> NDArray[Any]:
    grids = [path for path in sorted(model.rglob("*.binvox")) if ".surface" not in path.name]
    best = next((path for path in grids if ".solid" in path.name), grids[0] if grids else None)
    if best is not None:
        return binvox_grid(best.read_bytes(), str(best))
    meshes = sorted(model.rglob("*.obj"))
    if not meshes:
        raise UserError(f"{model} holds neither a binvox nor an OBJ file: complete or remove that model")
    return mesh_grid(meshes[0].read_bytes(), "obj", str(meshes[0]))
