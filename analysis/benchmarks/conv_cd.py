"""The speed of contrastive divergence on a convolutional energy of 28x28 images: medians on one thread and one core.

(a) An update with 20 Langevin steps, batch 64, against torchebm's ``ContrastiveDivergence`` on the same architecture.
(b) The Langevin loop against its 20 forward and backward passes alone, which nothing can go below.

The reference of (a) is what a user of torchebm writes: the network in plain ``nn.Conv2d`` layers, float32. A further
row gives torchebm our network module, so that the gain of the module and of the loop can be told apart. Repeats are
interleaved, so that a change of the machine's load meets all rows alike. Run ``python analysis/benchmarks/conv_cd.py``
with the ``bench`` extra installed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.energies import ConvEnergy
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.objectives.cd import ContrastiveDivergence
from gibbsweep_models.samplers.mcmc import Langevin

BATCH = 64
N_STEPS = 20
STEP_SIZE = 10.0
NOISE = 0.005
L2 = 0.1
SHAPE = (1, 28, 28)


def plain_network() -> nn.Module:
    """The architecture of ``ConvEnergy(SHAPE)`` in ordinary layers."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, 2, 2), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.SiLU()),
        *(nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(), nn.Conv2d(64, 64, 3, 2, 1), nn.SiLU()),
        *(nn.Flatten(), nn.Linear(256, 64), nn.SiLU(), nn.Linear(64, 1, bias=False), nn.Flatten(0)),
    )


def bf16() -> AbstractContextManager[object]:
    return torch.autocast("cpu", torch.bfloat16)


def our_network() -> ConvEnergy:
    torch.manual_seed(0)
    return ConvEnergy(SHAPE)


def data() -> Tensor:
    return torch.rand(BATCH, *SHAPE, generator=seeded(0)) * 2 - 1


def our_update(
    precision: Callable[[], AbstractContextManager[object]], layout: torch.memory_format
) -> Callable[[], None]:
    network = our_network().to(memory_format=layout)
    x = data().contiguous(memory_format=layout)
    sampler = Langevin.decoupled(N_STEPS, STEP_SIZE, NOISE, clamp=(-1.0, 1.0))
    objective = ContrastiveDivergence(sampler, l2=L2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    generator = seeded(1)

    def update() -> None:
        with precision():
            loss = objective(network, {"x": x}, generator=generator)
        optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        optimizer.step()

    return update


def torchebm_update(make_network: Callable[[], nn.Module]) -> Callable[[], None]:
    from torchebm.core import BaseModel
    from torchebm.losses import ContrastiveDivergence as TorchEBMContrastiveDivergence
    from torchebm.samplers import LangevinDynamics

    class Model(BaseModel):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.network = make_network()

        def forward(self, x: Tensor) -> Tensor:
            energy: Tensor = self.network(x)
            return energy

    model = Model()
    x = data()
    sampler = LangevinDynamics(
        model, step_size=STEP_SIZE, noise_scale=NOISE / (2 * STEP_SIZE) ** 0.5, clamp=(-1.0, 1.0)
    )
    objective = TorchEBMContrastiveDivergence(model, sampler, k_steps=N_STEPS, energy_reg_weight=L2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    generator = seeded(1)

    def update() -> None:
        loss, _ = objective(x, generator=generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return update


def langevin_loop(
    precision: Callable[[], AbstractContextManager[object]], layout: torch.memory_format
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Two tasks: the loop, and its passes alone."""
    network = our_network().to(memory_format=layout)
    x = data().contiguous(memory_format=layout)
    sampler = Langevin.decoupled(N_STEPS, STEP_SIZE, NOISE, gradient_clip=0.03, clamp=(-1.0, 1.0))
    generator = seeded(1)

    def loop() -> None:
        with precision():
            sampler(network, x, generator=generator)

    def passes() -> None:
        with precision():
            for _ in range(N_STEPS):
                energy_and_gradient(network, x)

    return loop, passes


def medians(contestants: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """The median milliseconds of each contestant. They take turns in every repeat, after two warm-up rounds."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats + 2):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if repeat >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def measure(repeats: int = 15) -> list[dict[str, object]]:
    """Rows ``{"what", "ours_ms", "reference_ms", "ratio", "goal"}``. ``ratio`` is reference / ours in (a), and ours /
    reference in (b)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        loop, passes = langevin_loop(bf16, torch.channels_last)
        loop32, passes32 = langevin_loop(nullcontext, torch.contiguous_format)
        ms = medians(
            {
                "ours": our_update(bf16, torch.channels_last),
                "ours fp32": our_update(nullcontext, torch.contiguous_format),
                "torchebm": torchebm_update(plain_network),
                "torchebm, our network": torchebm_update(lambda: ConvEnergy(SHAPE)),
                "loop": loop,
                "passes": passes,
                "loop fp32": loop32,
                "passes fp32": passes32,
            },
            repeats,
        )
    finally:
        torch.set_num_threads(threads)

    def row(what: str, ours: str, reference: str, goal: str) -> dict[str, object]:
        ratio = ms[reference] / ms[ours] if goal.startswith(">") else ms[ours] / ms[reference]
        return {"what": what, "ours_ms": ms[ours], "reference_ms": ms[reference], "ratio": ratio, "goal": goal}

    return [
        row("conv CD-20 update, torchebm float32 / ours bf16", "ours", "torchebm", ">= 1.5"),
        row("conv CD-20 update, torchebm / ours, both float32", "ours fp32", "torchebm", "> 1"),
        row(
            "conv CD-20 update, torchebm with our network / ours, float32", "ours fp32", "torchebm, our network", "> 1"
        ),
        row("20 Langevin steps / their passes alone, bf16", "loop", "passes", "<= 1.15"),
        row("20 Langevin steps / their passes alone, float32", "loop fp32", "passes fp32", "<= 1.15"),
    ]


def main() -> None:
    print(f"{'what':<50} {'ours ms':>9} {'ref ms':>9} {'ratio':>7}  goal")
    for row in measure():
        print(
            f"{row['what']:<50} {row['ours_ms']:>9.1f} {row['reference_ms']:>9.1f} {row['ratio']:>7.2f}  {row['goal']}"
        )


if __name__ == "__main__":
    main()
