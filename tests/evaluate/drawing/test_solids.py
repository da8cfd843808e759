"""Pictures of solids."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gibbsweep.evaluate import image_grid, render
from gibbsweep.evaluate.drawing.solids import VIEWS, render_solids, turned_solids
from gibbsweep_models.draws import rand, seeded


def filled_cube(n: int) -> NDArray[np.bool_]:
    return np.ones((1, n, n, n), bool)


def test_a_full_cube_is_a_hexagon_of_three_faces_in_every_view() -> None:
    """Its silhouette has the area of three projected faces, and no two faces are equally bright."""
    edge = 200
    for n in (1, 4, 7):
        views = render_solids(filled_cube(n), edge)[0].reshape(edge, len(VIEWS), edge).transpose(1, 0, 2)
        for (azimuth, elevation), view in zip(VIEWS, views, strict=True):
            a, e = np.radians([azimuth, elevation])
            inward = np.abs([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
            across = abs(np.sin(a)) + abs(np.cos(a))
            upward = np.sin(e) * (abs(np.cos(a)) + abs(np.sin(a))) + np.cos(e)
            expected = inward.sum() / max(across, upward) ** 2
            assert (view > 0).mean() == pytest.approx(expected, abs=0.01)
            # Nothing is cut: the silhouette reaches two opposite sides of the picture and leaves its corners.
            assert not view[[0, 0, -1, -1], [0, -1, 0, -1]].any()
            assert (np.diff(np.flatnonzero((view > 0).any(axis=1))) == 1).all()


def test_what_is_near_hides_what_is_far_and_up_is_up() -> None:
    upper = np.zeros((1, 8, 8, 8), bool)
    upper[..., 6:] = True
    lower = upper[..., ::-1]
    for view in range(len(VIEWS)):
        one, other = (render_solids(x, 40)[0][:, 40 * view : 40 * view + 40] for x in (upper, lower))
        height = [np.flatnonzero((picture > 0).any(axis=1)).mean() for picture in (one, other)]
        assert height[0] < height[1]
    full = filled_cube(8)
    hollow = full.copy()
    hollow[0, 2:6, 2:6, 2:6] = False
    np.testing.assert_array_equal(render_solids(full, 40), render_solids(hollow, 40))
    assert not render_solids(~full, 40).any()


def test_a_turn_shows_a_solid_from_all_around() -> None:
    """A tower in a corner comes nearer and goes away again; half a turn on, its mirror image is seen from behind."""
    tower = np.zeros((2, 8, 8, 8), bool)
    tower[0, 6:, 6:, :] = True
    sheet = turned_solids(tower, 40, 12)
    assert sheet.shape == (12 * 40, 2 * 40)
    assert not sheet[:, 40:].any(), "the other solid is empty"
    views = sheet[:, :40].reshape(12, 40, 40)
    brightest = views.max(axis=(1, 2)).astype(int)
    assert brightest.argmax() in (1, 2) and brightest.argmin() in (7, 8)  # at 45 and at 225 degrees
    for turn, view in enumerate(views):
        side = [(360 * (turn + 0.5) / 12, VIEWS[0][1])]
        np.testing.assert_array_equal(view, render_solids(tower[:1], 40, side)[0])


@pytest.mark.parametrize("binary", [True, False])
def test_a_grid_of_solids_has_their_views(binary: bool) -> None:
    x = (rand((3, 1, 8, 8, 8), generator=seeded(0)) < 0.2).float()
    shown = x if binary else 2 * x - 1
    tiles = render(shown, binary=binary, scale=1)
    assert tiles.shape == (3, 48, 48 * len(VIEWS), 1) and tiles.any(axis=(1, 2, 3)).all()
    grid = image_grid(shown, columns=2, binary=binary, scale=1, gap=1)
    assert grid.shape == (2 * 49 + 1, 2 * (48 * len(VIEWS) + 1) + 1)
    np.testing.assert_array_equal(grid[1:49, 1 : 1 + 48 * len(VIEWS)], tiles[0, ..., 0])
