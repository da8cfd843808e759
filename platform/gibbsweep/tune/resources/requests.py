"""The requests of a sweep's trials, settled before the first one starts: as many trials on a device as its memory
holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.run.assignment import DATA_SEED
from gibbsweep.run.largest_config import system_bytes
from gibbsweep.run.memory_need import MemoryNeed
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.tune.options.environment import AUTO
from gibbsweep.tune.options.options import SweepOptions, check_share
from gibbsweep.tune.options.settings import fingerprint
from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.plan.assignments import whole_run
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources import probe
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.shares import (
    Node,
    Request,
    cpus_for,
    gpu_share,
    largest_share,
    sharers,
    sharers_that_fit,
    trials_at_once,
    workers_on,
)

MOST_ON_A_GPU = 8
"""The most trials on one GPU with ``--gpus-per-trial auto``: more processes only share the GPU's time, and gain
nothing."""
USABLE = 0.9
"""The share of a memory that is planned with: allocators leave gaps, and other processes come and go."""
PROCESS_BYTES = 512 * 2**20
"""Bytes of a trial's process before its run begins (PyTorch, Ray): 390 MiB were measured."""
SMALL_RUN_BYTES = 512 * 2**20
"""Bytes that a run is expected to need beside the copies of its weights."""
COPIES = 16
"""A run whose weights and buffers take n bytes is expected to need at most ``SMALL_RUN_BYTES`` + ``COPIES`` n:
gradients, moments and averages are four copies, activations the rest. Where machines have that much for each trial,
nothing is measured."""

Say = Callable[[str], None]
"""Prints a line for a person."""


@dataclass(frozen=True)
class Machines:
    """Access to the machines that a sweep runs on; :func:`gibbsweep.tune.on_ray.probing.machines` is Ray's."""

    nodes: Callable[[], Sequence[Node]]
    """Lists the machines that there are now."""
    gpu: Callable[[], tuple[str, int]]
    """Gives the name of one of their GPUs, and its bytes."""
    measure: Callable[[bool], probe.Measure]
    """Gives the function that measures what trials need; True: on a GPU."""


def devices_for(plan: Plan, options: SweepOptions, machines: Machines, say: Say) -> Devices:
    """The devices of ``machines``, as the sweep's trials will share them.

    Measures memory where several trials are to share a GPU, or a machine that has little memory for each. Raises
    UserError if the options ask for a share of a GPU that cannot hold a trial."""
    automatic = options.gpus_per_trial == AUTO
    nodes, workers = machines.nodes(), options.workers_per_trial
    whole_gpu = 1.0 if any(node.gpus >= 1 for node in nodes) else 0.0
    if automatic and options.wait_for_nodes and not whole_gpu:
        raise UserError(
            f"--gpus-per-trial {AUTO} looks at a GPU of the cluster, and none is there yet: use --gpus-per-trial 1, "
            f"which makes one come, or 1/k, or start again with {AUTO} while a node is up."
        )
    request = check_resources(options, whole_gpu if automatic else float(options.gpus_per_trial) or whole_gpu, nodes)
    usable = [replace(node, memory=int(USABLE * node.memory)) for node in nodes]
    on_a_gpu = _most_on_a_gpu(nodes) if automatic and request.gpus else sharers(request.gpus)
    request_of_all = replace(request, gpus=gpu_share(on_a_gpu)) if on_a_gpu > 1 else request
    requests = dict.fromkeys(plan.settings.contenders, request_of_all)
    if on_a_gpu > 1 or _little_memory(plan, options, request_of_all, usable):
        gpu_memory, needs = _measure_needs(plan, options, machines, on_gpu=bool(request.gpus), say=say)
        if on_a_gpu > 1:
            requests = _on_gpus(requests, needs, on_a_gpu, gpu_memory, automatic, say)
        requests = _on_machines(requests, needs, workers, usable, say)
    return Devices(
        requests,
        workers,
        machines.nodes,
        trials_folder=plan.sweep.trials,
        grows=options.wait_for_nodes,
    )


def _most_on_a_gpu(nodes: Sequence[Node]) -> int:
    """The most trials on one GPU: at most ``MOST_ON_A_GPU``, and no more than there are CPUs for, one a trial."""
    return max(1, min([MOST_ON_A_GPU, *(int(node.cpus / node.gpus) for node in nodes if node.gpus >= 1)]))


def _little_memory(plan: Plan, options: SweepOptions, request: Request, nodes: Sequence[Node]) -> bool:
    """Whether some machine would run several trials at once, with less memory for each than they are expected to
    need."""
    counts = [(node, workers_on(node, request)) for node in nodes if node.memory]
    each = min((node.memory // count for node, count in counts if count > options.workers_per_trial), default=None)
    return each is not None and any(
        each < PROCESS_BYTES + SMALL_RUN_BYTES + COPIES * _weight_bytes(plan, options, search.contender)
        for search in plan.searches()
    )


def _weight_bytes(plan: Plan, options: SweepOptions, contender: ContenderAtBudget) -> int:
    """Bytes of the weights and buffers of ``contender``."""
    units, validation = contender.config.units, plan.study.validation
    dataset = load(plan.views[0], root=options.data_root, units=units, seed=DATA_SEED, validation=validation)
    return system_bytes(contender.config, dataset.spec)


def _measure_needs(
    plan: Plan, options: SweepOptions, machines: Machines, *, on_gpu: bool, say: Say
) -> tuple[int, dict[str, MemoryNeed]]:
    """Bytes of a GPU (0 without one), and what a trial of each contender needs."""
    name, gpu_memory = machines.gpu() if on_gpu else ("cpu", 0)
    measure = machines.measure(on_gpu)

    def announce_and_measure(new: Sequence[probe.Question]) -> list[MemoryNeed]:
        say(f"memory  ·  measuring what a trial of {', '.join(q.contender for q in new)} needs: some seconds each")
        return measure(new)

    device = f"{name} {gpu_memory}"
    needs = probe.needs(plan.sweep.memory, questions(plan, options), device, announce_and_measure)
    for contender, need in needs.items():
        if need.failed:
            say(f"memory  ·  {contender} was not measured ({need.failed}): it is packed as if it were small")
    return gpu_memory, needs


def questions(plan: Plan, options: SweepOptions) -> list[probe.Question]:
    """The questions to the probe: for each contender the run of one worker, as far as its memory depends on it."""
    fingerprints, workers = fingerprint(plan.study, plan.settings), options.workers_per_trial
    to_measure = []
    for search in plan.searches():
        name, budget = search.contender.name, search.contender.budget
        of_a_worker = replace(budget, batch_size=-(-budget.batch_size // workers))
        assignment = replace(whole_run(plan, options, name), budget=of_a_worker, goals=())
        to_measure.append(probe.Question(name, [fingerprints[name], workers], assignment, search.contender.space))
    return to_measure


def _on_gpus(
    requests: Mapping[str, Request],
    needs: Mapping[str, MemoryNeed],
    most: int,
    gpu_memory: int,
    automatic: bool,
    say: Say,
) -> dict[str, Request]:
    """``requests`` with the shares of a GPU of ``gpu_memory`` bytes that fit: at most ``most`` trials of a contender on
    one GPU.

    Raises UserError where ``most`` do not fit, if a person asked for that share and it is not ``automatic``.
    """
    on_a_gpu = {name: _trials_on_a_gpu(need, most, gpu_memory) for name, need in needs.items()}
    if automatic:
        for name, need in needs.items():
            count = on_a_gpu[name]
            sharing = "1 trial has a GPU to itself" if count == 1 else f"{count} trials share a GPU"
            of_memory = f"{size_text(need.gpu)} of {size_text(gpu_memory)} each"
            say(f"memory  ·  {name}: {sharing} ({of_memory}{_measured_values(need)})")
        return {name: replace(request, gpus=gpu_share(on_a_gpu[name])) for name, request in requests.items()}
    name, fits = min(on_a_gpu.items(), key=lambda item: item[1])
    if fits < most:
        raise UserError(
            f"--gpus-per-trial {gpu_share(most):.3g} puts {most} trials on a GPU of {size_text(gpu_memory)}, and one "
            f"of {name} needs {size_text(needs[name].gpu)}{_measured_values(needs[name])}: use --gpus-per-trial "
            f"{gpu_share(fits):.3g}, the smallest share that fits, or --gpus-per-trial {AUTO}."
        )
    return dict(requests)


def _trials_on_a_gpu(need: MemoryNeed, most: int, gpu_memory: int) -> int:
    if need.ran_out == "gpu":
        return 1
    return most if need.failed else sharers_that_fit(need.gpu, int(USABLE * gpu_memory), most)


def _on_machines(
    requests: Mapping[str, Request], needs: Mapping[str, MemoryNeed], workers: int, nodes: Sequence[Node], say: Say
) -> dict[str, Request]:
    """``requests`` with as many CPUs as leave each trial the memory that it needs."""
    raised = dict(requests)
    for name, request in requests.items():
        need = needs[name]
        if need.failed:
            continue
        needed = PROCESS_BYTES + need.host
        cpus = None if need.ran_out == "host" else cpus_for(needed, request, workers, nodes)
        larger = largest_share(request, "host", workers, nodes) if cpus is None else replace(request, cpus=cpus)
        if larger != request:
            raised[name] = larger
            before, after = (trials_at_once(each, workers, nodes) for each in (request, larger))
            free = max(node.memory for node in nodes)
            say(
                f"memory  ·  {name}: {after} at once instead of {before}, as one needs {size_text(needed)} of the "
                f"{size_text(free)} that are free{_measured_values(need)}"
            )
    return raised


def _measured_values(need: MemoryNeed) -> str:
    """The values of the measured configuration that are not the contender's own, as text to append."""
    values = ", ".join(f"{path}={value}" for path, value in need.values.items())
    return f" with {values}" if values else ""


def check_resources(options: SweepOptions, gpus_per_worker: float, nodes: Sequence[Node]) -> Request:
    """The request of a worker of a trial. Raises UserError if no trial could ever run on ``nodes``.

    There must be room for all workers of a trial at once, as they hold nothing while they wait for one another. A
    cluster that adds nodes on demand (``--wait-for-nodes``) is not checked."""
    check_share(gpus_per_worker)
    request = Request(1, gpu_share(sharers(gpus_per_worker)) if 0 < gpus_per_worker < 1 else round(gpus_per_worker))
    if options.wait_for_nodes:
        return request
    workers = options.workers_per_trial
    if trials_at_once(request, workers, nodes) == 0:
        totals = {"CPU": sum(node.cpus for node in nodes), "GPU": sum(node.gpus for node in nodes)}
        needs = {"CPU": float(workers), "GPU": gpus_per_worker * workers}
        scarce = next((kind for kind, need in needs.items() if need > totals[kind]), None)
        shortage = (
            f"one trial asks for {needs[scarce]:g} {scarce}s and the cluster has {totals[scarce]:g}"
            if scarce is not None
            else f"one trial asks for {workers} times 1 CPU and {gpus_per_worker:g} GPUs and no nodes of the cluster "
            "have them together"
        )
        raise UserError(
            f"{shortage}: lower --gpus-per-trial or --workers-per-trial, add nodes, or use --wait-for-nodes on a "
            "cluster that adds them on demand."
        )
    return request
