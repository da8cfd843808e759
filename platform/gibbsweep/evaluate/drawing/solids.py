"""Pictures of solids: parallel projections of voxels with shaded faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

VIEWS = ((30.0, 25.0), (120.0, 25.0), (30.0, 65.0))
"""Azimuth and elevation of the eye in degrees; the last axis of a solid points up. None is parallel to a face."""

TURNS = 24
"""Sides in a picture of turned solids."""
TURNED_EDGE = 64
"""Pixels along one of its views."""

_FACES = (0.72, 0.5, 0.95)
"""Brightness of the faces across each axis: the light comes from above."""
_FAR = 0.6
"""Brightness of the far end of the cube, as a share of the near end's."""


def turned_solids(occupied: NDArray[np.bool_], edge: int, turns: int) -> NDArray[np.uint8]:
    """Draw voxels (N, X, Y, Z) from ``turns`` sides around them, as one sheet: a row of N views for each side,
    (turns * edge, N * edge)."""
    # Half a step from the first axis, so that no side is parallel to a face.
    sides = [(360.0 * (turn + 0.5) / turns, VIEWS[0][1]) for turn in range(turns)]
    return np.concatenate([np.concatenate(render_solids(occupied, edge, [side]), axis=1) for side in sides])


def render_solids(
    occupied: NDArray[np.bool_], edge: int, sides: Sequence[tuple[float, float]] = VIEWS
) -> NDArray[np.uint8]:
    """Draw voxels (N, X, Y, Z) from each of V ``sides`` (azimuth and elevation), side by side on black: (N, edge,
    V * edge), bright = near and facing up. The whole cube fits into a view from any side, so nothing is cut."""
    shape = occupied.shape[1:]
    # One voxel more, which is empty, stands for all places outside.
    solids = np.concatenate([occupied.reshape(len(occupied), -1), np.zeros((len(occupied), 1), bool)], axis=1)
    views = []
    for side in sides:
        # Those of the usual views are kept; a turn would keep a hundred megabytes.
        rays = _rays if side in VIEWS else _rays.__wrapped__
        places, shades = rays(shape, *side, edge)
        filled = solids[:, places]  # (N, steps, edge * edge)
        first = filled.argmax(axis=1)  # 0 too where a ray meets nothing
        pixels = np.take_along_axis(shades, first, axis=0)
        views.append((pixels * filled.any(axis=1)).reshape(-1, edge, edge))
    return np.concatenate(views, axis=2)


@cache
def _rays(
    shape: tuple[int, ...], azimuth: float, elevation: float, edge: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The voxels along the ray of every pixel, near to far, as flat indices (steps, edge²), and the brightness of the
    face through which the ray enters each (steps, edge²)."""
    a, e = math.radians(azimuth), math.radians(elevation)
    inward = -np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    right = np.array([-math.sin(a), math.cos(a), 0.0])
    up = np.cross(right, inward)
    size = np.array(shape, float)
    # Half the extent of the cube along a direction is that of its diagonal with all signs alike.
    reach = max(float(np.abs(right) @ size), float(np.abs(up) @ size)) / 2
    depth = float(np.abs(inward) @ size) / 2
    line = (np.arange(edge) + 0.5) / edge * 2 - 1
    start = size / 2 - depth * inward + reach * (line[None, :, None] * right - line[:, None, None] * up)
    start = start.reshape(-1, 3)
    # Where a ray crosses the planes between voxels of each axis, in order: it is in one voxel from each to the next.
    planes = [(np.arange(n + 1) - start[:, k, None]) / inward[k] for k, n in enumerate(shape)]
    axis_of = np.repeat(np.arange(3), [n + 1 for n in shape])
    crossings = np.concatenate(planes, axis=1)
    order = crossings.argsort(axis=1)
    crossings = np.take_along_axis(crossings, order, axis=1)
    middles = (crossings[:, :-1] + crossings[:, 1:]) / 2
    places = np.floor(start[:, None] + middles[..., None] * inward).astype(np.int64)
    inside = ((places >= 0) & (places < size)).all(axis=2)
    flat = np.where(
        inside, np.ravel_multi_index(tuple(np.moveaxis(places, 2, 0)), shape, mode="clip"), math.prod(shape)
    )
    nearness = 1.0 - (1.0 - _FAR) * np.clip(crossings[:, :-1] / (2 * depth), 0.0, 1.0)
    brightness = np.array(_FACES)[axis_of[order[:, :-1]]] * nearness
    return np.ascontiguousarray(flat.T), np.rint(255 * brightness.T).astype(np.uint8)
