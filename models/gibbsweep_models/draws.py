"""Random numbers for batches: the only place where samplers, objectives and corruptions get them.

A batch that is split over ``world_size`` workers must see the numbers that one worker would have seen, or "two workers
equal one" could only hold on average. So every worker seeds its generator alike, draws for the *global* batch and keeps
its slice: the first axis of every shape is the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor


class ShardedGenerator(torch.Generator):
    """A generator that knows which part of the global batch it draws for; a plain ``torch.Generator`` draws for all of
    it."""

    def __new__(cls, device: torch.device | str = "cpu", *, rank: int = 0, world_size: int = 1) -> Self:
        return torch.Generator.__new__(cls, device)  # type: ignore[call-arg]  # PyTorch's stub has __init__ alone

    def __init__(self, device: torch.device | str = "cpu", *, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self.rank = rank
        self.world_size = world_size
        self.bits: dict[torch.Size, _Bits] = {}

    @contextmanager
    def part(self, index: int, parts: int) -> Iterator[None]:
        """A context that draws for part ``index`` of ``parts`` equal ones of this worker's share, in order: as that
        many workers would. Each part must start from the same state to see the numbers that the whole share would have
        seen."""
        whole = self.rank, self.world_size, self.bits
        self.rank, self.world_size, self.bits = self.rank * parts + index, self.world_size * parts, {}
        try:
            yield
        finally:
            self.rank, self.world_size, self.bits = whole


class ExampleGenerator(torch.Generator):
    """A generator for each example of a batch, so that its numbers do not depend on which others are drawn with it."""

    def __new__(cls, seeds: Tensor) -> Self:
        return torch.Generator.__new__(cls, seeds.device)  # type: ignore[call-arg]  # PyTorch's stub has __init__ alone

    def __init__(self, seeds: Tensor) -> None:
        super().__init__()
        self.examples = [torch.Generator(seeds.device).manual_seed(seed) for seed in seeds.tolist()]

    def draw(self, out: Tensor, fill: Callable[[Tensor, torch.Generator], Tensor]) -> Tensor:
        """``out`` (B, ...) with each example filled from its own generator."""
        if len(out) != len(self.examples):
            raise ValueError(
                f"got a draw for {len(out)} examples, expected {len(self.examples)}: a generator each; make one for "
                "this batch"
            )
        for example, own in zip(out, self.examples, strict=True):
            fill(example, own)
        return out


def each(n: int, *, generator: torch.Generator) -> Tensor:
    """Seeds (n,) for an :class:`ExampleGenerator`, whole or in parts."""
    return randint(2**62, (n,), generator=generator)


def check_generator(generator: Any) -> None:
    """Raise TypeError for what is no generator, such as a seed."""
    if not isinstance(generator, torch.Generator):
        seed = generator if isinstance(generator, int) else 0
        raise TypeError(
            f"got generator={generator!r}, expected a torch.Generator; write draws.seeded({seed}) for seed {seed}"
        )


def _global_shape(shape: Sequence[int], generator: torch.Generator) -> tuple[int, ...]:
    check_generator(generator)
    return (shape[0] * getattr(generator, "world_size", 1), *shape[1:])


def _own_slice(draw: Tensor, generator: torch.Generator) -> Tensor:
    world_size = getattr(generator, "world_size", 1)
    if world_size == 1:
        return draw
    return draw.chunk(world_size)[getattr(generator, "rank", 0)]


def randn(shape: Sequence[int], *, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers of ``shape`` (B, ...) on the generator's device."""
    if isinstance(generator, ExampleGenerator):
        out = torch.empty(tuple(shape), device=generator.device, dtype=dtype)
        return generator.draw(out, lambda x, own: x.normal_(generator=own))
    draw = torch.randn(_global_shape(shape, generator), generator=generator, device=generator.device, dtype=dtype)
    return _own_slice(draw, generator)


def randn_like(x: Tensor, *, generator: torch.Generator) -> Tensor:
    """Standard normal numbers with the shape, type and memory layout of ``x`` (B, ...)."""
    if isinstance(generator, ExampleGenerator):
        return generator.draw(torch.empty_like(x), lambda row, own: row.normal_(generator=own))
    if getattr(generator, "world_size", 1) == 1:
        return torch.empty_like(x).normal_(generator=generator)
    full = torch.empty(_global_shape(x.shape, generator), dtype=x.dtype, device=x.device)
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        full = full.to(memory_format=torch.channels_last)
    return _own_slice(full.normal_(generator=generator), generator)


def rand(shape: Sequence[int], *, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Uniform numbers in [0, 1) of ``shape`` (B, ...) on the generator's device."""
    if isinstance(generator, ExampleGenerator):
        out = torch.empty(tuple(shape), device=generator.device, dtype=dtype)
        return generator.draw(out, lambda x, own: x.uniform_(generator=own))
    draw = torch.rand(_global_shape(shape, generator), generator=generator, device=generator.device, dtype=dtype)
    return _own_slice(draw, generator)


def stratified(n: int, *, generator: torch.Generator) -> Tensor:
    """Numbers (n,) in [0, 1], each uniform by itself, that fill the interval evenly together: one draw u, and the
    points (u + i / N) mod 1 of the global batch's N examples, folded to run up and down again.

    Neighbours get neighbouring numbers, the last and the first too. So means over a batch have the error of an integral
    by N even points, without a jump where the ends meet, and differences of neighbours show what else varies.
    """
    if isinstance(generator, ExampleGenerator):
        raise TypeError(
            "got a generator for each example, expected one for the batch: numbers are even over a batch; pass it, or "
            "take rand()"
        )
    rank, world_size = getattr(generator, "rank", 0), getattr(generator, "world_size", 1)
    start = torch.rand((1,), generator=generator, device=generator.device, dtype=torch.float64)
    points = (start + (rank * n + torch.arange(n, device=generator.device)) / (n * world_size)) % 1.0
    return (1.0 - (1.0 - 2.0 * points).abs()).float()


def randint(high: int, shape: Sequence[int], *, generator: torch.Generator) -> Tensor:
    """Integers in [0, high) of ``shape`` (B, ...), int64."""
    if isinstance(generator, ExampleGenerator):
        out = torch.empty(tuple(shape), device=generator.device, dtype=torch.int64)
        return generator.draw(out, lambda x, own: x.random_(0, high, generator=own))
    draw = torch.randint(high, _global_shape(shape, generator), generator=generator, device=generator.device)
    return _own_slice(draw, generator)


def bernoulli(
    p: Tensor, *, generator: torch.Generator, dtype: torch.dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """Binary units with means ``p`` (B, ...), written to ``out`` if given, else in ``dtype`` or in the type of ``p``.

    Random numbers cost a Gibbs step on a CPU more than anything but its matrix products, so one 64-bit draw serves
    four units there. A unit compares p with a uniform number of 24 bits, as ``torch.rand`` makes: 16 bits of its own
    and 8 that all units of the call share. Every mean is exact to 2^-24, and two units of a call have a covariance of
    at most 2^-34.
    """
    if out is None:
        out = torch.empty_like(p, dtype=dtype)
    if p.device.type != "cpu" or p.dtype != torch.float32 or isinstance(generator, ExampleGenerator):
        return out.copy_(rand(p.shape, generator=generator) < p)
    bits = _bits(p.shape, generator)
    bits.words.random_(-(2**63), None, generator=generator)
    # (own + shared / 256) / 2^16 < p
    difference = out if out.dtype == p.dtype else bits.scratch
    difference.copy_(bits.own).sub_(p, alpha=2.0**16).lt_((int(bits.shared) & 255) / -256.0)
    return out if difference is out else out.copy_(difference)


class _Bits(NamedTuple):
    """Memory of a draw of binary units (B, ...): random words, their views as 16 bits a unit and as a last word."""

    words: Tensor
    own: Tensor
    shared: Tensor
    scratch: Tensor


_SHAPES = 8


def _bits(shape: torch.Size, generator: torch.Generator) -> _Bits:
    """The memory that a sharded generator drew into before, up to a number of shapes: making it takes as long as
    drawing."""
    kept: dict[torch.Size, _Bits] = getattr(generator, "bits", {})
    bits = kept.get(shape)
    if bits is None:
        n = getattr(generator, "world_size", 1) * shape.numel()
        words = torch.empty(n // 4 + 2, dtype=torch.int64)
        own = _own_slice(words.view(torch.uint16)[:n], generator).view(shape)
        bits = _Bits(words, own, words[-1], torch.empty(shape))
        if len(kept) >= _SHAPES:
            kept.clear()
        kept[shape] = bits
    return bits


def seeded(seed: int, *stream: int, device: torch.device | str = "cpu", **shard: Any) -> ShardedGenerator:
    """A generator whose state is a function of ``seed`` and the integers of ``stream`` (a step, a purpose).

    Drawing update ``step`` from ``seeded(seed, step)`` makes a resumed run repeat the interrupted one with no state to
    save.

    >>> torch.equal(randn((2,), generator=seeded(1, 5)), randn((2,), generator=seeded(1, 5)))
    True
    """
    generator = ShardedGenerator(device, **shard)
    reseed(generator, seed, *stream)
    return generator


def reseed(generator: torch.Generator, seed: int, *stream: int) -> None:
    """Set ``generator`` to the state that :func:`seeded` gives for ``seed`` and ``stream``."""
    generator.manual_seed(mix(seed, *stream))


def mix(seed: int, *stream: int) -> int:
    """A well-spread 32-bit seed from integers: neighbouring inputs give unrelated outputs (SplitMix64's finaliser)."""
    state = seed & _MASK
    for word in (0, *stream):
        state = (state + 0x9E3779B97F4A7C15 * ((word & _MASK) + 1)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 32  # the CPU generator reads 32 bits of its seed


_MASK = (1 << 64) - 1
