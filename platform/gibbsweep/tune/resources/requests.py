"""What the trials of a sweep ask for, settled before the first of them: as many on a device as its memory holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.run.assignment import DATA_SEED, Assignment
from gibbsweep.run.largest import size
from gibbsweep.run.need import Need
from gibbsweep.tune.options.options import AUTO, SweepOptions, check_share
from gibbsweep.tune.options.settings import fingerprint
from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources import probe
from gibbsweep.tune.resources.devices import Sharing
from gibbsweep.tune.resources.shares import Node, Request, cpus_for, most, pieces, pieces_for, share, trials, workers_on

MOST_ON_A_GPU = 8
"""Of ``--gpus-per-trial auto``: more processes than that share a GPU's time, and gain nothing."""
USABLE = 0.9
"""Of a memory: allocators leave gaps, and other processes come and go."""
OF_A_TRIAL = 512 * 2**20
"""Bytes that a trial's process has for itself before its run begins (PyTorch, Ray): 390 MiB measured."""
SMALL = 512 * 2**20
COPIES = 16
"""A run whose weights and buffers take n bytes is expected to need no more than ``SMALL`` + ``COPIES`` n: gradients, moments and averages
are four copies, activations the rest. Where machines have that much for each trial at once, nothing is measured."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Machines:
    """What a sweep asks of the machines that it runs on; :func:`gibbsweep.tune.on_ray.probing.machines` gives Ray's."""

    nodes: Callable[[], Sequence[Node]]
    """The machines that there are now."""
    gpu: Callable[[], tuple[str, int]]
    """The name of one of their GPUs, and its bytes."""
    measure: Callable[[bool], probe.Measure]
    """Measures what trials need, on a GPU where it is given True."""


def shared(plan: Plan, options: SweepOptions, machines: Machines, say: Say) -> Sharing:
    """The sharing of ``machines``. Measures memory where several trials are to share a GPU, or a machine that has
    little for each; raises UserError if they are asked to share a GPU that cannot hold them."""
    automatic = options.gpus_per_trial == AUTO
    nodes, workers = machines.nodes(), options.workers_per_trial
    whole = 1.0 if any(node.gpus >= 1 for node in nodes) else 0.0
    request = check_resources(options, whole if automatic else float(options.gpus_per_trial) or whole, nodes)
    usable = [replace(node, memory=int(USABLE * node.memory)) for node in nodes]
    k = _most_on_a_gpu(nodes) if automatic and request.gpus else pieces(request.gpus)
    packed = replace(request, gpus=share(k)) if k > 1 else request
    requests = dict.fromkeys(plan.decided.contenders, packed)
    if k > 1 or _little_memory(plan, options, packed, usable):
        gpu, found = _measured(plan, options, machines, on_gpu=bool(request.gpus), say=say)
        if k > 1:
            requests = _on_gpus(requests, found, k, gpu, automatic, say)
        requests = _on_machines(requests, found, workers, usable, say)
    return Sharing(
        requests,
        workers,
        machines.nodes,
        trials_folder=plan.sweep.path / "trials",
        grows=options.wait_for_nodes,
    )


def _most_on_a_gpu(nodes: Sequence[Node]) -> int:
    """No more than there are CPUs for, one a trial."""
    return max(1, min([MOST_ON_A_GPU, *(int(node.cpus / node.gpus) for node in nodes if node.gpus >= 1)]))


def _little_memory(plan: Plan, options: SweepOptions, request: Request, nodes: Sequence[Node]) -> bool:
    """Whether some machine would run several trials at once, and has less memory for each than they are expected to need."""
    counts = [(node, workers_on(node, request)) for node in nodes if node.memory]
    each = min((node.memory // count for node, count in counts if count > options.workers_per_trial), default=None)
    return each is not None and any(
        each < OF_A_TRIAL + SMALL + COPIES * _size(plan, options, name) for name in plan.decided.contenders
    )


def _size(plan: Plan, options: SweepOptions, name: str) -> int:
    config = plan.study.config_of(name, plan.decided.budget)
    dataset = load(
        plan.views[0], root=options.data_root, units=config.units, seed=DATA_SEED, validation=plan.study.validation
    )
    return size(config, dataset.spec)


def _measured(
    plan: Plan, options: SweepOptions, machines: Machines, *, on_gpu: bool, say: Say
) -> tuple[int, dict[str, Need]]:
    """Bytes of a GPU (0 without), and each contender's need."""
    name, memory = machines.gpu() if on_gpu else ("cpu", 0)
    measure = machines.measure(on_gpu)

    def announced(new: Sequence[probe.Question]) -> list[Need]:
        say(f"memory  ·  measuring what a trial of {', '.join(q.contender for q in new)} needs: some seconds each")
        return measure(new)

    found = probe.needs(plan.sweep.path / "memory.json", questions(plan, options), f"{name} {memory}", announced)
    for contender, need in found.items():
        if need.failed:
            say(f"memory  ·  {contender} was not measured ({need.failed}): it is packed as if it were small")
    return memory, found


def questions(plan: Plan, options: SweepOptions) -> list[probe.Question]:
    """What a worker of each contender does, as far as memory goes."""
    study, decided = plan.study, plan.decided
    prints = fingerprint(study, decided)
    asked = []
    for name in decided.contenders:
        budget = decided.budget_of(study, name)
        assignment = Assignment(
            name=name,
            contender=name,
            kind="single",
            config=study.config_of(name, decided.budget),
            seed=decided.seed,
            data=plan.views[0],
            budget=replace(budget, batch_size=-(-budget.batch_size // options.workers_per_trial)),
            run_dir=Path(),
            data_root=options.data_root.absolute() if options.data_root else None,
            evaluators=study.evaluators_of(name, decided.budget),
            final_evaluators=study.final_evaluators_of(name, decided.budget),
            validation=study.validation,
            precision=decided.precision,
        )
        asked.append(
            probe.Question(name, [prints[name], options.workers_per_trial], assignment, study.contenders[name].space)
        )
    return asked


def _on_gpus(
    requests: Mapping[str, Request], needs: Mapping[str, Need], k: int, gpu: int, automatic: bool, say: Say
) -> dict[str, Request]:
    """``requests`` with the shares of a GPU of ``gpu`` bytes that fit: at most ``k`` of one kind, which is refused where they do not
    fit and it was asked for."""
    held = {name: _pieces(need, k, gpu) for name, need in needs.items()}
    if automatic:
        for name, need in needs.items():
            trials_ = "1 trial has a GPU to itself" if held[name] == 1 else f"{held[name]} trials share a GPU"
            say(f"memory  ·  {name}: {trials_} ({size_text(need.gpu)} of {size_text(gpu)} each{_largest(need)})")
        return {name: replace(request, gpus=share(held[name])) for name, request in requests.items()}
    name, fits = min(held.items(), key=lambda item: item[1])
    if fits < k:
        raise UserError(
            f"--gpus-per-trial {share(k):.3g} puts {k} trials on a GPU of {size_text(gpu)}, and one of {name} needs "
            f"{size_text(needs[name].gpu)}{_largest(needs[name])}: use --gpus-per-trial {share(fits):.3g}, the smallest share that "
            f"fits, or --gpus-per-trial {AUTO}."
        )
    return dict(requests)


def _pieces(need: Need, k: int, gpu: int) -> int:
    if need.ran_out == "gpu":
        return 1
    return k if need.failed else pieces_for(need.gpu, int(USABLE * gpu), k)


def _on_machines(
    requests: Mapping[str, Request], needs: Mapping[str, Need], workers: int, nodes: Sequence[Node], say: Say
) -> dict[str, Request]:
    """``requests`` with as many CPUs as leave each trial its memory."""
    found = dict(requests)
    for name, request in requests.items():
        need = needs[name]
        if need.failed:
            continue
        takes = OF_A_TRIAL + need.host
        cpus = None if need.ran_out == "host" else cpus_for(takes, request, workers, nodes)
        asked = most(request, "host", workers, nodes) if cpus is None else replace(request, cpus=cpus)
        if asked != request:
            found[name] = asked
            largest = max(node.memory for node in nodes)
            say(
                f"memory  ·  {name}: {trials(asked, workers, nodes)} at once instead of {trials(request, workers, nodes)}, as one "
                f"needs {size_text(takes)} of the {size_text(largest)} that are free{_largest(need)}"
            )
    return found


def _largest(need: Need) -> str:
    """Which configuration was measured, where it is not the contender's own."""
    values = ", ".join(f"{path}={value}" for path, value in need.values.items())
    return f" with {values}" if values else ""


def check_resources(options: SweepOptions, gpus_per_worker: float, nodes: Sequence[Node]) -> Request:
    """What a worker of a trial asks for. Raises UserError if no trial could ever run on ``nodes``: there must be room for all of its workers at
    once, which hold nothing while they wait for one another.

    Where a cluster grows on demand that is not known, and not asked.
    """
    check_share(gpus_per_worker)
    request = Request(1, share(pieces(gpus_per_worker)) if 0 < gpus_per_worker < 1 else round(gpus_per_worker))
    if options.wait_for_nodes:
        return request
    workers = options.workers_per_trial
    if trials(request, workers, nodes) == 0:
        totals = {"CPU": sum(node.cpus for node in nodes), "GPU": sum(node.gpus for node in nodes)}
        needs = {"CPU": float(workers), "GPU": gpus_per_worker * workers}
        what = next((what for what, need in needs.items() if need > totals[what]), None)
        lacks = (
            f"one trial asks for {needs[what]:g} {what}s and the cluster has {totals[what]:g}"
            if what is not None
            else f"one trial asks for {workers} times 1 CPU and {gpus_per_worker:g} GPUs and no nodes of the cluster have them together"
        )
        raise UserError(
            f"{lacks}: lower --gpus-per-trial or --workers-per-trial, add nodes, or use --wait-for-nodes on a cluster that adds "
            "them on demand."
        )
    return request
