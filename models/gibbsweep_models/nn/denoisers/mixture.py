"""A mixture of Gaussians at every noise level: a denoiser, a score and a density without a network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import rand, randn
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.noise.shape import expand_like


class GaussianMixture(nn.Module):
    """p(x) = sum_k w_k N(x; m_k, s_k² I), and the same with s_k² + sigma² for data blurred by sigma. As a module it is
    the denoiser E[x_0 | x].

    ``means`` (K, *D); ``weights`` (K,), positive, of any sum; ``stds`` (K,), 0 for point masses: with examples as means
    that is the training set itself, whose exact score remembers every one of them.

    >>> mixture = GaussianMixture(torch.tensor([[-1.0], [1.0]]), stds=0.1)
    >>> mixture(torch.zeros(3, 1), torch.ones(3)).shape
    torch.Size([3, 1])
    """

    means: Tensor
    """m, (K, *D)."""
    log_weights: Tensor
    """ln w, normalised, (K,)."""
    stds: Tensor
    """s, (K,)."""

    def __init__(self, means: Tensor, weights: Tensor | None = None, stds: Tensor | float = 0.0) -> None:
        super().__init__()
        n = len(means)
        weights = torch.ones(n) if weights is None else weights
        stds = stds if isinstance(stds, Tensor) else torch.full((n,), stds)
        if weights.shape != (n,) or stds.shape != (n,) or bool((weights <= 0).any()) or bool((stds < 0).any()):
            raise ValueError(
                f"got weights {tuple(weights.shape)} and stds {tuple(stds.shape)} for {n} means, expected ({n},) each, "
                "weights > 0 and stds >= 0; give one of each a component"
            )
        self.register_buffer("means", means)
        self.register_buffer("log_weights", torch.log_softmax(weights.to(means.dtype).log(), dim=0))
        self.register_buffer("stds", stds.to(means.dtype))

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """E[x_0 | x]: ``x`` (B, *D) at ``sigma`` (B,) -> (B, *D)."""
        refuse_condition(cond, self)
        responsible, variances = self.posterior(x, sigma)
        # The mean of a component given x: m + s² / (s² + sigma²) (x - m).
        slope = self.stds.square() / variances
        centres = ((responsible * (1 - slope)) @ self.means.flatten(1)).view(x.shape)
        return centres + expand_like((responsible * slope).sum(dim=1), x) * x

    def score(self, x: Tensor, sigma: Tensor) -> Tensor:
        """grad ln p of data blurred by ``sigma`` (B,), 0 for the data itself: (B, *D) -> (B, *D)."""
        responsible, variances = self.posterior(x, sigma)
        pull = responsible / variances
        return (pull @ self.means.flatten(1)).view(x.shape) - expand_like(pull.sum(dim=1), x) * x

    def log_prob(self, x: Tensor, sigma: Tensor) -> Tensor:
        """ln p of data blurred by ``sigma`` (B,), in nats: (B, *D) -> (B,)."""
        return torch.logsumexp(self._log_joint(x, sigma)[0], dim=1)

    def posterior(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """p(k | x) at noise ``sigma`` (B,), and the variances s_k² + sigma²; each (B, K)."""
        log_joint, variances = self._log_joint(x, sigma)
        return torch.softmax(log_joint, dim=1), variances

    def draw(self, n: int, *, generator: torch.Generator) -> Tensor:
        """``n`` examples (n, *D)."""
        chosen = torch.searchsorted(self.log_weights.exp().cumsum(0), rand((n,), generator=generator).to(self.means))
        chosen = chosen.clamp(max=len(self.means) - 1)
        noise = randn((n, *self.means.shape[1:]), generator=generator, dtype=self.means.dtype)
        return self.means[chosen] + expand_like(self.stds[chosen], noise) * noise

    def _log_joint(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        if sigma.shape != x.shape[:1]:
            raise ValueError(
                f"got sigma {tuple(sigma.shape)} for x {tuple(x.shape)}, expected ({len(x)},): one level an example"
            )
        flat, means = x.flatten(1), self.means.flatten(1)
        variances = self.stds.square() + sigma[:, None].square()
        # Differences of components where they fit in memory: |x|² - 2 x m + |m|² cancels at small sigma.
        if flat.shape[1] * len(means) <= 4096:
            square = (flat[:, None] - means).square().sum(dim=2)
        else:
            square = torch.cdist(flat, means, compute_mode="donot_use_mm_for_euclid_dist").square()
        log_norm = 0.5 * flat.shape[1] * (2 * math.pi * variances).log()
        return self.log_weights - log_norm - 0.5 * square / variances, variances
