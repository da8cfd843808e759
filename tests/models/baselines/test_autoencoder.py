"""The reconstruction criterion by principal components, and the convolutional autoencoder."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.capabilities import CanDenoise, CanReconstruct
from gibbsweep_models.draws import seeded
from gibbsweep_models.objectives.generation.reconstruction import Reconstruction
from gibbsweep_models.types import DataSpec, Units

LATENT = 2
EIGENVALUES = torch.tensor([4.0, 2.0, 0.5, 0.25, 0.1], dtype=torch.float64)


class Linear(nn.Module):
    """z = x A, reconstruction z B, of row vectors."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(a), nn.Parameter(b)

    def encode(self, x: Tensor) -> Tensor:
        return x @ self.a

    def decode(self, z: Tensor) -> Tensor:
        return z @ self.b


def rotation() -> Tensor:
    q: Tensor = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=seeded(0)))[0]
    return q


def whitened(n: int) -> Tensor:
    """Data whose second moment is exactly rotation · diag(EIGENVALUES) · rotationᵀ."""
    x = torch.randn(n, 5, dtype=torch.float64, generator=seeded(1))
    half = torch.linalg.cholesky(x.T @ x / n)
    white: Tensor = torch.linalg.solve_triangular(half, x.T, upper=False).T
    return white * EIGENVALUES.sqrt() @ rotation().T


def test_projecting_on_principal_components_is_the_linear_optimum() -> None:
    components = rotation()[:, :LATENT]
    model = Linear(components.clone(), components.T.clone())
    loss = Reconstruction()(model, {"x": whitened(500)}, generator=seeded(0)).total
    assert float(loss.detach()) == pytest.approx(float(EIGENVALUES[LATENT:].sum()))
    torch.autograd.backward(loss)
    for parameter in model.parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, torch.zeros_like(parameter), rtol=0, atol=1e-10)


def test_training_a_linear_autoencoder_finds_the_principal_subspace() -> None:
    generator = seeded(2)
    a, b = (0.3 * torch.randn(2, 5, LATENT, dtype=torch.float64, generator=generator)).unbind()
    model, x = Linear(a, b.T.contiguous()), whitened(500)
    parameters, loss = list(model.parameters()), torch.tensor(math.inf)
    for _ in range(1000):
        loss = Reconstruction()(model, {"x": x}, generator=generator).total
        with torch.no_grad():
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.sub_(gradient, alpha=0.03)
    assert float(loss.detach()) == pytest.approx(float(EIGENVALUES[LATENT:].sum()), rel=1e-6)
    components = rotation()[:, :LATENT]
    torch.testing.assert_close(model.a.detach() @ model.b.detach(), components @ components.T, rtol=0, atol=1e-3)


def test_the_wiener_filter_is_the_linear_optimum_of_denoising() -> None:
    n, sigma = 40_000, 0.7
    filtered = EIGENVALUES / (EIGENVALUES + sigma**2)
    model = Linear(rotation() * filtered, rotation().T)
    loss = Reconstruction(sigma=sigma)(model, {"x": whitened(n)}, generator=seeded(0)).total.detach()
    expected = (EIGENVALUES * sigma**2 / (EIGENVALUES + sigma**2)).sum()
    # A sum of 5 squared Gaussians has a relative standard deviation of at most sqrt(2).
    assert float(loss) == pytest.approx(float(expected), rel=4 * math.sqrt(2 / n))


def test_binary_units_pay_cross_entropy() -> None:
    model = Linear(torch.zeros(5, LATENT), torch.zeros(LATENT, 5))
    bits = torch.randint(2, (7, 5), generator=seeded(0)).float()
    loss = Reconstruction("binary")(model, {"x": bits}, generator=seeded(0)).total
    assert float(loss.detach()) == pytest.approx(5 * math.log(2))
    with pytest.raises(ValueError, match="noise level"):
        Reconstruction(sigma=-1.0)


@pytest.mark.parametrize("units", ["signed", "binary"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 28, 28)])
def test_a_system_reconstructs_embeds_and_scores(units: Units, shape: tuple[int, ...]) -> None:
    config = AutoencoderConfig(units, channels=(8, 8), latent_dim=5)
    system, copy = config.build(DataSpec(shape, units)), config.build(DataSpec(shape, units))
    copy.load_state_dict(system.state_dict())
    assert isinstance(system, CanReconstruct)
    assert isinstance(system, CanDenoise)
    x = torch.rand(4, *shape, generator=seeded(0)).round()
    x = x if units == "binary" else 2 * x - 1
    out = system.reconstruct(x, generator=seeded(0))
    assert out.shape == x.shape
    assert float(out.min()) >= (0 if units == "binary" else -1)
    assert float(out.max()) <= 1
    torch.testing.assert_close(copy.reconstruct(x, generator=seeded(0)), out, rtol=0, atol=0)
    torch.testing.assert_close(system.denoise(x, torch.ones(4), generator=seeded(0)), out)
    assert system.features(x).shape == (4, 5)
    loss = system.phases()[0].objective(system, {"x": x}, generator=seeded(0)).total
    torch.testing.assert_close(system.anomaly_score(x, generator=seeded(0)).mean(), loss.detach())


def test_units_must_be_those_of_the_data() -> None:
    with pytest.raises(ValueError, match="units='binary'"):
        AutoencoderConfig().build(DataSpec((1, 8, 8), "binary"))
