"""The cost of an update of an RBM against its matrix products alone, and against scikit-learn's update.

One thread, interleaved repeats. Run ``python analysis/benchmarks/rbm_cd.py``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.precisions import Precision
from gibbsweep.train.update import update
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.draws import randint, reseed, seeded
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.types import DataSpec

N_VISIBLE, N_HIDDEN, BATCH = 784, 500, 100


def cd_update(config: RBMConfig, x: Tensor, precision: Precision) -> Callable[[], None]:
    """One update as the training loop does it: objective, gradient, checks, optimiser step."""
    torch.manual_seed(0)
    system = config.build(DataSpec((N_VISIBLE,), "binary"))
    system.initialise(x)
    phases = system.phases()
    optimizers = [phase.build_optimizer() for phase in phases]
    generator = seeded(0)

    def run() -> None:
        update(
            system, phases, optimizers, {"x": x}, step=0, updates=1, precision=precision, generator=generator
        )  # fmt: skip

    return run


def products(x: Tensor) -> Callable[[], None]:
    """The five matrix products of CD-1: hidden and visible logits, hidden logits again, two outer products."""
    generator = torch.Generator().manual_seed(0)
    weight = 0.01 * torch.randn(N_VISIBLE, N_HIDDEN, generator=generator)
    h = torch.rand(BATCH, N_HIDDEN, generator=generator).round()
    outputs = [torch.empty(BATCH, N_HIDDEN), torch.empty(BATCH, N_VISIBLE), torch.empty(BATCH, N_HIDDEN)]
    outer = [torch.empty_like(weight), torch.empty_like(weight)]

    def run() -> None:
        torch.mm(x, weight, out=outputs[0])
        torch.mm(h, weight.t(), out=outputs[1])
        torch.mm(x, weight, out=outputs[2])
        torch.mm(x.t(), h, out=outer[0])
        torch.mm(x.t(), h, out=outer[1])

    return run


def scikit_learn(x: Tensor) -> Callable[[], None]:
    """One update of scikit-learn's BernoulliRBM."""
    rbm = BernoulliRBM(n_components=N_HIDDEN, learning_rate=0.01, batch_size=BATCH, random_state=0)
    data = x.numpy()

    def run() -> None:
        rbm.partial_fit(data)

    return run


def medians(tasks: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each task, the tasks taking turns. On an idle machine that is the elapsed time; on a
    busy one it leaves out the waiting."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for repeat in range(repeats + 5):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            if repeat >= 5:
                times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def measure(repeats: int = 100) -> list[dict[str, str | float]]:
    """Rows of ``what``, ``ours_ms``, ``reference_ms``, ``ratio``, ``goal``. The first ratios are time over the five
    products (lower is better), the last is the speed-up of bfloat16 (higher is better)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x = torch.from_numpy(np.random.default_rng(0).random((BATCH, N_VISIBLE)) < 0.13).float()
    tasks = {
        "products": products(x),
        "CD-1 update, normal": cd_update(RBMConfig(N_HIDDEN, centred=False), x, "fp32"),
        "CD-1 update, centred": cd_update(RBMConfig(N_HIDDEN), x, "fp32"),
        "scikit-learn": scikit_learn(x),
        "CD-10 float32": cd_update(RBMConfig(N_HIDDEN, k=10), x, "fp32"),
        "CD-10 bfloat16": cd_update(RBMConfig(N_HIDDEN, k=10), x, "bf16"),
    }
    ms = medians(tasks, repeats)
    torch.set_num_threads(threads)

    def row(what: str, ours: float, reference: float, ratio: float, goal: str) -> dict[str, str | float]:
        return {"what": what, "ours_ms": ours, "reference_ms": reference, "ratio": ratio, "goal": goal}

    base, sklearn_ms = ms["products"], ms["scikit-learn"]
    full, half = ms["CD-10 float32"], ms["CD-10 bfloat16"]
    return [
        *(row(f"{name} / products", ms[name], base, ms[name] / base, "<= 1.3") for name in list(tasks)[1:3]),
        row("scikit-learn BernoulliRBM.partial_fit / products", sklearn_ms, base, sklearn_ms / base, "above ours"),
        row("CD-10 update, float32 / bfloat16", half, full, full / half, ">= 1.7"),
    ]


def trained_log_likelihood(n_hidden: int, precision: Precision, *, seed: int = 0, updates: int = 1000) -> Bracket:
    """Mean test log-likelihood in nats of a machine trained by CD-10 on binary MNIST digits, with products in
    ``precision``. It is exact for up to 20 hidden units, else bracketed by annealing both ways. Evaluation is in
    float32."""
    data = load("mnist5k", units="binary")
    train, test = (split.batch(torch.arange(len(split)))["x"] for split in (data.train, data.test))
    torch.manual_seed(seed)
    system = RBMConfig(n_hidden, k=10, learning_rate=0.05).build(data.spec)
    system.initialise(train)
    phases = system.phases()
    optimizers = [phase.build_optimizer() for phase in phases]
    generator = seeded(seed)
    for step in range(updates):
        reseed(generator, seed, step)
        rows = randint(len(train), (BATCH,), generator=generator)
        update(
            system, phases, optimizers, {"x": train[rows]},
            step=step, updates=updates, precision=precision, generator=generator,
        )  # fmt: skip
    return system.log_likelihood(test, generator=seeded(seed, updates), n_temperatures=1000)


def measure_likelihood(n_hidden: int = 16, *, seed: int = 0, updates: int = 1000) -> list[dict[str, str | float]]:
    """A row with the cost of bfloat16 products in test log-likelihood: ``difference`` is that of float32 less that of
    bfloat16, in nats."""
    full = trained_log_likelihood(n_hidden, "fp32", seed=seed, updates=updates)
    half = trained_log_likelihood(n_hidden, "bf16", seed=seed, updates=updates)
    ours, reference = (b.ais if b.exact is None else b.exact for b in (half, full))
    return [
        {
            "what": f"test log-likelihood in nats, {N_VISIBLE}-{n_hidden}, CD-10, bfloat16 against float32",
            "ours": ours,
            "reference": reference,
            "difference": reference - ours,
            "goal": "<= 0.5",
        }
    ]


def main() -> None:
    print(f"RBM {N_VISIBLE}-{N_HIDDEN}, batch {BATCH}, one thread, medians in CPU milliseconds")
    print(f"{'':50s} {'ours':>8s} {'reference':>10s} {'ratio':>7s}  goal")
    for r in measure():
        print(f"{r['what']:50s} {r['ours_ms']:8.2f} {r['reference_ms']:10.2f} {r['ratio']:7.2f}  {r['goal']}")


if __name__ == "__main__":
    main()
