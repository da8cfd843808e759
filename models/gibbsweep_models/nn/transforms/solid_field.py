"""Solids as a smooth field, to which noise can be added and from which it can be removed, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_PART = 500
"""Solids that are blurred at once."""
_RANKED = 1_000
"""Solids whose voxels are ranked to find the level."""


def gaussian_smoothing(n: int, std: float) -> Tensor:
    """The matrix (n, n) that convolves n places with weights exp(-k² / (2 std²)) at whole distances k, of sum 1 over
    all of them; the unit matrix for std = 0. Places outside the n count as zero."""
    if std == 0:
        return torch.eye(n)
    reach = math.ceil(6 * std)
    distances = torch.arange(-reach, reach + 1, dtype=torch.float64)
    total = torch.exp(-0.5 * (distances / std) ** 2).sum()
    place = torch.arange(n, dtype=torch.float64)
    return (torch.exp(-0.5 * ((place[:, None] - place) / std) ** 2) / total).float()


class SolidField(nn.Module):
    """z = G * o - m for the occupancy o in {0, 1} of solids (B, 1, *S), outside of which all is empty: G is a Gaussian
    of standard deviation ``blur`` voxels, m the mean field of the training data. On occupancy itself (``blur=0``) data
    lie on the corners of a cube, where no score is defined; grids of a smooth field are what published diffusions of
    shapes are trained on.

    A field becomes a solid again (:meth:`solid`) in two steps. ``sharpen`` projected Van Cittert steps u <- u + G * o -
    G * u, clipped to [0, 1], undo the blur: a rod of one voxel has the field w² and a gap of one voxel between thick
    walls 1 - w, w being the kernel's middle weight, so without them no level keeps both where ``blur`` is above about
    .65. Few are enough, and many amplify a model's errors. Then u is cut at the ``level`` that keeps the occupied
    volume of the training data, their share of filled voxels, measured beside m by :meth:`measure`. Solids of
    ModelNet10 at 16³ come back with an IoU of 1.000 for a blur of .6, .996 for .7, .975 for .8 (two steps; without them
    .985, .939, .901).

    >>> field = SolidField((1, 8, 8, 8), blur=0.7, sharpen=2)
    >>> field(-torch.ones(2, 1, 8, 8, 8)).shape
    torch.Size([2, 1, 8, 8, 8])
    """

    smoothing: Tensor
    """G along one axis, (N, N)."""
    mean: Tensor
    """m, (1, *S)."""
    level: Tensor
    """Where the sharpened field is cut, ()."""

    def __init__(self, shape: tuple[int, ...], blur: float, sharpen: int) -> None:
        super().__init__()
        if len(shape) != 4 or shape[0] != 1 or len(set(shape[1:])) != 1:
            raise ValueError(
                f"got examples of {tuple(shape)}, expected voxels in a cube, (1, N, N, N); resize them (DATA@N) or "
                "pad the short axes"
            )
        if not 0 <= blur < shape[1] / 4 or sharpen < 0:
            raise ValueError(
                f"got blur={blur} and sharpen={sharpen} for {shape[1]} voxels an edge, expected 0 <= blur < "
                f"{shape[1] / 4:g} and sharpen >= 0; lower the blur"
            )
        self.sharpen = sharpen if blur > 0 else 0
        self.register_buffer("smoothing", gaussian_smoothing(shape[1], blur))
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("level", torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Voxels ``x`` (B, 1, *S) in [-1, 1] -> their field z, of the same shape."""
        return self.blurred(0.5 * (x + 1.0)) - self.mean

    def solid(self, z: Tensor) -> Tensor:
        """A field (B, 1, *S) -> filled voxels 1 and empty ones -1, of the same shape."""
        return torch.where(self.margin(z) > 0, 1.0, -1.0)

    def margin(self, z: Tensor) -> Tensor:
        """The height of a field (B, 1, *S) above the level once it is sharpened: positive where filled."""
        return self._sharpened(z + self.mean) - self.level

    def measure(self, x: Tensor) -> None:
        """Set the mean field and the level by training examples ``x`` (N, 1, *S)."""
        occupied = 0.5 * (x + 1.0)
        field = torch.cat([self.blurred(part) for part in torch.split(occupied, _PART)])
        self.mean.copy_(field.mean(dim=0))
        few = slice(_RANKED)
        sharp = torch.cat([self._sharpened(part) for part in torch.split(field[few], _PART)]).flatten()
        filled = int((occupied[few] > 0.5).sum())
        if not 0 < filled < len(sharp):
            raise ValueError(
                f"got {filled} filled voxels of {len(sharp)}, expected some but not all; check the data's units, [-1, "
                "1]"
            )
        # Halfway from the last voxel that is kept to the first that is not: neither may hang on rounding.
        self.level.copy_(sharp.topk(filled + 1).values[-2:].mean())

    def blurred(self, o: Tensor) -> Tensor:
        """G * o along the three axes, empty outside: (B, 1, *S) -> (B, 1, *S)."""
        g = self.smoothing.to(o.dtype)
        return torch.einsum("bcxyz,ix,jy,kz->bcijk", o, g, g, g)

    def _sharpened(self, field: Tensor) -> Tensor:
        u = field
        for _ in range(self.sharpen):
            u = (u + field - self.blurred(u)).clamp(0.0, 1.0)
        return u
