"""Persistent chains for contrastive divergence (Tieleman 2008; replay with restarts: Du & Mordatch 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import rand
from gibbsweep_models.nn.transforms.shift import random_shift
from gibbsweep_models.parallel import all_gather_batch
from gibbsweep_models.types import Units


class ReplayBuffer(nn.Module):
    """``capacity`` chains of ``shape``, drawn without replacement, moved by a sampler, and written back to their
    places.

    A drawn chain restarts from fresh noise with probability ``restart_fraction``, and always if its place was never
    written: uniform on [-scale, scale] for signed units, fair coin flips for binary ones. Under data parallelism every
    worker holds the whole buffer, draws the same global indices and gathers all new chains, so the buffers stay equal;
    all of it is in ``state_dict``. ``shift``: a drawn chain is moved by up to so many places along every axis, a
    transition that Langevin steps hardly make (data augmentation of the chains: Du et al. 2021). ``condition_shape``:
    chains of a conditional energy keep the condition (int64) that they have lived under; a chain that restarts takes a
    new one.

    >>> buffer = ReplayBuffer(capacity=100, shape=(2,))
    >>> x, places = buffer.draw(8, generator=seeded(0))
    >>> buffer.write(places, x)
    >>> buffer.sample(5, generator=seeded(1)).shape
    torch.Size([5, 2])
    """

    chains: Tensor
    """The chains, (capacity, *D)."""
    written: Tensor
    """Which places were ever written, (capacity,), bool."""
    ages: Tensor
    """Steps that each chain has made since it started from noise, (capacity,), int64."""
    conditions: Tensor | None
    """Their conditions, (capacity, ...), int64; None for an unconditional energy."""

    def __init__(
        self,
        capacity: int,
        shape: tuple[int, ...],
        restart_fraction: float = 0.05,
        units: Units = "signed",
        scale: float = 1.0,
        shift: int = 0,
        condition_shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f"got capacity {capacity}, expected at least 1; at least the global batch size is needed")
        if not 0.0 <= restart_fraction <= 1.0:
            raise ValueError(f"got restart_fraction {restart_fraction}, expected a probability; 0.05 is common")
        self.restart_fraction = restart_fraction
        self.units: Units = units
        self.scale = scale
        self.shift = shift
        self.register_buffer("chains", torch.zeros(capacity, *shape))
        self.register_buffer("written", torch.zeros(capacity, dtype=torch.bool))
        self.register_buffer("ages", torch.zeros(capacity, dtype=torch.int64))
        self._drawn: Tensor | None = None  # ages of this worker's chains between a draw and its write
        conditions = None if condition_shape is None else torch.zeros(capacity, *condition_shape, dtype=torch.int64)
        self.register_buffer("conditions", conditions)

    @property
    def capacity(self) -> int:
        return self.chains.shape[0]

    def draw(self, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """This worker's ``n`` starting points (n, *D), and the places in the buffer of the *global* batch (W * n,),
        int64."""
        start, places, _ = self._draw(n, generator)
        return start, places

    def draw_conditional(self, new: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """:meth:`draw`, with this worker's conditions (n, ...): those of the chains, and of ``new`` (n, ...) for the
        chains that restart."""
        if self.conditions is None or self.conditions.shape[1:] != new.shape[1:]:
            condition_shape = None if self.conditions is None else tuple(self.conditions.shape[1:])
            raise ValueError(
                f"got conditions of shape {tuple(new.shape[1:])} and a buffer that keeps {condition_shape}; pass "
                "condition_shape to it"
            )
        start, places, fresh = self._draw(len(new), generator)
        local = self._local(places, generator)
        return start, places, torch.where(fresh.view(-1, *(1,) * (new.ndim - 1)), new, self.conditions[local])

    def _local(self, places: Tensor, generator: torch.Generator) -> Tensor:
        return places.chunk(getattr(generator, "world_size", 1))[getattr(generator, "rank", 0)]

    def _draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        world_size: int = getattr(generator, "world_size", 1)
        if n * world_size > self.capacity:
            raise ValueError(
                f"got a global batch of {n * world_size} chains, expected at most the buffer's capacity of "
                f"{self.capacity}; enlarge the buffer or shrink the batch"
            )
        # Distinct places: two chains written to one place would leave its content to chance.
        places = torch.randperm(self.capacity, generator=generator, device=generator.device)[: n * world_size]
        restart = rand((n,), generator=generator) < self.restart_fraction
        noise = rand((n, *self.chains.shape[1:]), generator=generator)
        noise = (noise < 0.5).to(noise.dtype) if self.units == "binary" else noise.sub_(0.5).mul_(2.0 * self.scale)
        local = self._local(places, generator)
        fresh = restart | ~self.written[local]
        self._drawn = self.ages[local].masked_fill(fresh, 0)
        chains = random_shift(self.chains[local], self.shift, generator=generator)
        return torch.where(fresh.view(-1, *(1,) * (noise.ndim - 1)), noise, chains), places, fresh

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """``n`` different chains (n, *D) as they are, or as many as were ever written if they are fewer."""
        written = self.written.nonzero()[:, 0]
        order = torch.randperm(len(written), generator=generator, device=generator.device)
        return self.chains[written[order[:n]]].contiguous()

    @property
    def oldest(self) -> Tensor:
        """The steps that the oldest chain has made, a scalar."""
        return self.ages.max()

    @torch.no_grad()
    def write(self, places: Tensor, x: Tensor, conditions: Tensor | None = None, *, steps: int = 0) -> None:
        """Store this worker's chains (n, *D), with their ``conditions``, and every other worker's at the ``places`` (W
        * n,) that the draw gave. They are ``steps`` older than they were drawn."""
        ages = torch.zeros(len(x), dtype=torch.int64, device=x.device) if self._drawn is None else self._drawn
        self._drawn = None
        x = all_gather_batch(x.detach().to(self.chains.dtype))
        if x.shape[0] != places.numel():
            raise ValueError(
                f"got {x.shape[0]} chains for {places.numel()} places; expected as many; "
                "let the generator's world_size equal the process group's"
            )
        if self.conditions is not None:
            if conditions is None:
                raise ValueError("got chains without conditions for a buffer that keeps them; pass those of the draw")
            self.conditions[places] = all_gather_batch(conditions)
        self.chains[places] = x
        self.ages[places] = all_gather_batch(ages + steps)
        self.written[places] = True
