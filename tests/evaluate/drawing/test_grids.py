"""Grids of pictures against pixels laid by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gibbsweep.evaluate import image_grid


def test_a_binary_grid_to_the_pixel() -> None:
    x = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]], [[0.2, 7.0]]])[:, None]  # three images of 1 x 2; 7 is shown as 1
    expected = np.array(
        [
            [128, 128, 128, 128, 128, 128, 128],
            [128, 0, 255, 128, 255, 0, 128],
            [128, 128, 128, 128, 128, 128, 128],
            [128, 51, 255, 128, 128, 128, 128],
            [128, 128, 128, 128, 128, 128, 128],
        ],
        dtype=np.uint8,
    )
    grid = image_grid(x, columns=2, binary=True, scale=1, gap=1)
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid, expected)
    np.testing.assert_array_equal(
        image_grid(x, columns=2, binary=True, scale=3, gap=1), np.kron(expected, np.ones((3, 3), np.uint8))
    )


def test_a_signed_grid_of_colours_to_the_pixel() -> None:
    x = torch.tensor([[-1.0, 1.0, 0.0], [-9.0, -0.2, 0.2]])[:, :, None, None]  # two images of one pixel
    grid = image_grid(x, columns=1, binary=False, scale=1, gap=0)
    # Half of 255 is rounded to even.
    np.testing.assert_array_equal(grid, np.array([[[0, 255, 128]], [[0, 102, 153]]], np.uint8))


@pytest.mark.parametrize(("channels", "binary"), [(1, True), (1, False), (3, True), (3, False)])
def test_the_ends_of_the_range_are_black_and_white(channels: int, binary: bool) -> None:
    x = torch.full((3, channels, 2, 2), 0.0 if binary else -1.0)
    x[1], x[2] = 1.0, 7.0  # 7 is beyond the range
    grid = image_grid(x, columns=2, binary=binary, scale=1, gap=1)
    assert grid.shape == ((7, 7) if channels == 1 else (7, 7, 3))
    assert (grid[1:3, 1:3] == 0).all() and (grid[1:3, 4:6] == 255).all()
    assert (grid[4:6, 1:3] == 255).all() and (grid[4:6, 4:6] == 128).all()


def test_the_default_grid_doubles_pixels_and_leaves_two_between() -> None:
    grid = image_grid(torch.ones(3, 1, 4, 5), columns=2, binary=True)
    assert grid.shape == (2 * (2 * (4 + 2) + 2), 2 * (2 * (5 + 2) + 2))
    assert int((grid == 255).sum()) == 3 * 4 * 5 * 4


@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3), (4, 2, 3, 3), (4, 2, 2, 2, 2)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images \(N, 1 or 3, H, W\) or voxels .*: got"):
        image_grid(torch.zeros(shape), columns=2, binary=True)
