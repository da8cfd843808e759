"""Meshes and binvox files in memory to grids of occupied voxels."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.errors import UserError

EDGE = 32
"""Voxels along an edge of every grid."""

CONTENT = 24
"""Voxels along the longest edge of an object in its grid: the scale of 3D ShapeNets, which left 3 of 30 free a side."""

_MALFORMED = (ValueError, IndexError, KeyError, NameError, TypeError, OSError)
"""Errors that trimesh raises for a file that is no mesh or no binvox, or is cut short."""


def mesh_grid(content: bytes, kind: str, where: str) -> NDArray[np.bool_]:
    """Voxelizes an OFF or OBJ file to a (32, 32, 32) grid: surface and inside, centred, axes as in the file.

    ``kind``: "off" or "obj". ``where`` names the file in errors.
    """
    import trimesh

    # Materials would be read from further files and add nothing to a shape.
    options: dict[str, Any] = {"skip_materials": True} if kind == "obj" else {}
    try:
        mesh = trimesh.load_mesh(io.BytesIO(content), file_type=kind, process=False, **options)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    except _MALFORMED as error:
        raise UserError(f"{where} cannot be read as a mesh ({error}): replace or remove that file") from error
    # trimesh would also voxelize corners that no face uses, which are no part of the shape.
    used, renumbered = np.unique(faces, return_inverse=True)
    corners = vertices[used.astype(np.int64)]
    extent = float(np.ptp(corners, axis=0).max()) if len(corners) else 0.0
    if not np.isfinite(corners).all() or not extent > 0:
        raise UserError(f"{where} has no surface, or corners at no finite place: replace or remove that file")
    # Corners run from 0 to CONTENT - 1 in units of a voxel; a point belongs to the voxel that it rounds to.
    scaled = (corners - corners.min(axis=0)) * ((CONTENT - 1) / extent)
    surface = trimesh.Trimesh(scaled, renumbered.reshape(faces.shape), process=False).voxelized(1.0)
    return _centred(np.asarray(surface.fill().matrix, np.bool_))


def binvox_grid(content: bytes, where: str) -> NDArray[np.bool_]:
    """Reads a binvox file of 32, 64, 96, ... voxels an edge as a (32, 32, 32) grid with the axes x, y, z.

    A voxel of the grid is set where any of the file's voxels inside it is set. ``where`` names the file in errors.
    """
    from trimesh.exchange.binvox import load_binvox

    try:
        grid = load_binvox(io.BytesIO(content))  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        matrix = np.asarray(grid.matrix, np.bool_)
    except _MALFORMED as error:
        raise UserError(f"{where} cannot be read as binvox ({error}): replace or remove that file") from error
    edge = matrix.shape[0]
    if matrix.shape != (edge,) * 3 or edge % EDGE:
        raise UserError(
            f"{where} is a grid of {matrix.shape}: expected a cube of {EDGE}, or a multiple, voxels an edge"
        )
    factor = edge // EDGE
    return np.asarray(matrix.reshape(EDGE, factor, EDGE, factor, EDGE, factor).any(axis=(1, 3, 5)), np.bool_)


def _centred(content: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grid = np.zeros((EDGE,) * 3, np.bool_)
    grid[tuple(slice((EDGE - n) // 2, (EDGE - n) // 2 + n) for n in content.shape)] = content
    return grid
