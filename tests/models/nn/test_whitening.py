"""Coordinates against the covariance they claim to leave, and their determinants against Jacobians."""

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.transforms.whitening import SpectralWhitening, Standardise

SHAPE = (2, 4, 4)


def images(n: int) -> Tensor:
    """Correlated along both axes and between the channels, with a mean of its own at every place."""
    x = torch.randn(n, *SHAPE, generator=seeded(0), dtype=torch.float64)
    x = x + 0.8 * x.roll(1, dims=3) + 0.5 * x.roll(1, dims=2)
    mix = torch.tensor([[1.0, 0.6], [0.0, 0.7]], dtype=torch.float64)
    return 0.3 * torch.einsum("cd,bdhw->bchw", mix, x) + torch.linspace(-1, 1, 32, dtype=torch.float64).view(SHAPE)


@pytest.mark.parametrize("kind", [Standardise, SpectralWhitening])
def test_coordinates_are_inverted_and_their_determinant_is_the_jacobian_s(
    kind: type[Standardise | SpectralWhitening],
) -> None:
    coordinates = kind(SHAPE, 0.1).double()
    x = images(300)
    coordinates.fit(x)
    torch.testing.assert_close(coordinates.inverse(coordinates(x)), x)
    jacobian = torch.autograd.functional.jacobian(lambda v: coordinates(v.view(1, *SHAPE)).flatten(), x[0].flatten())
    assert isinstance(jacobian, Tensor)
    assert coordinates.log_determinant() == pytest.approx(float(torch.linalg.slogdet(jacobian)[1]), abs=1e-6)
    twin = kind(SHAPE, 0.1).double()
    twin.load_state_dict(coordinates.state_dict())
    assert torch.equal(twin(x), coordinates(x))


def test_standardised_components_have_variance_one() -> None:
    coordinates, x = Standardise(SHAPE, 0.0).double(), images(500)
    coordinates.fit(x)
    z = coordinates(x)
    torch.testing.assert_close(z.mean(0), torch.zeros(SHAPE, dtype=torch.float64))
    torch.testing.assert_close(z.var(0, correction=0), torch.ones(SHAPE, dtype=torch.float64))


def test_white_images_have_the_identity_as_covariance() -> None:
    """Up to the 1 / sqrt(n) of a covariance estimated for every pair of pixels, which the fit averages over places."""
    coordinates, x = SpectralWhitening(SHAPE, 0.0).double(), images(40_000)
    coordinates.fit(x)
    z = coordinates(x).flatten(1)
    assert float((z.t() @ z / len(z) - torch.eye(32)).abs().max()) < 5 * 2**0.5 / len(z) ** 0.5


@pytest.mark.parametrize("kind", [Standardise, SpectralWhitening])
def test_constant_components_are_not_magnified_beyond_the_floor(kind: type[Standardise | SpectralWhitening]) -> None:
    coordinates = kind(SHAPE, 0.1)
    coordinates.fit(torch.full((10, *SHAPE), -1.0))
    x = torch.full((1, *SHAPE), -1.0)
    torch.testing.assert_close(coordinates(x), torch.zeros(1, *SHAPE))
    torch.testing.assert_close(coordinates(x + 0.1), torch.ones(1, *SHAPE))


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="floor"):
        Standardise(SHAPE, -1.0)
    with pytest.raises(ValueError, match=r"\(C, H, W\): got \(3,\)"):
        SpectralWhitening((3,))
