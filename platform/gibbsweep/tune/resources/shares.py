"""Arithmetic of shares of a device: what each worker asks for, how many then fit, and what it asks for once it ran out
of memory. Pure functions of numbers; knows no Ray.

A device is a GPU, or a machine whose processors share one memory. A run that may share a GPU with k - 1 others asks for
1/k of it; a run that may share a machine of n processors with k - 1 others asks for n/k of these (rounded up). Whatever
runs beside it, the shares of one device then add up to at most one, and all runs fit if each needs no more than its
share of the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gibbsweep.folder import Memory

_UNITS = 10_000  # Ray counts resources in ten-thousandths
_EPS = 1e-6


@dataclass(frozen=True)
class Node:
    """A machine, as far as trials may use it: ``Node(cpus=16, gpus=2, memory=64 * 2**30)``."""

    cpus: float
    """Processors."""
    gpus: float = 0.0
    """GPUs."""
    memory: int = 0
    """Bytes of the machine's memory; 0 where they are not known."""
    name: str = ""
    """The cluster's name of it; empty where it has none."""


@dataclass(frozen=True)
class Request:
    """The request of one worker of a trial: ``Request(cpus=2, gpus=0.25)`` is two processors and a quarter of a GPU."""

    cpus: int = 1
    """Processors, and with them the same share of the machine's memory."""
    gpus: float = 0.0
    """Whole GPUs, or the share 1/k of one (see :func:`gpu_share`)."""


def gpu_share(k: int) -> float:
    """The share 1/k of a GPU, rounded down to the units that Ray counts in, so that k of them fit one GPU."""
    return 1.0 if k == 1 else _UNITS // k / _UNITS


def sharers(gpus: float) -> int:
    """The number of workers that share one GPU when each asks for ``gpus``."""
    return round(1 / gpus) if 0 < gpus < 1 else 1


def workers_on(node: Node, request: Request) -> int:
    """The number of workers that ``node`` has room for."""
    by_cpus = int(node.cpus / request.cpus + _EPS)
    if request.gpus == 0:
        return by_cpus
    whole_gpus = int(node.gpus + _EPS)
    return min(
        by_cpus, whole_gpus * sharers(request.gpus) if request.gpus < 1 else int(node.gpus / request.gpus + _EPS)
    )


def trials_at_once(request: Request, workers: int, nodes: Sequence[Node]) -> int:
    """The number of trials of ``workers`` workers each that ``nodes`` have room for at once."""
    return sum(workers_on(node, request) for node in nodes) // workers


def most_sharers(request: Request, memory: Memory, nodes: Sequence[Node]) -> int:
    """The most workers that may share one ``memory``, a worker with less than a whole share included. 1: a worker has
    it alone."""
    if memory == "host":
        return max((_on_machine(node, request) for node in nodes), default=0)
    per_gpu = [workers_on(node, request) / int(node.gpus) for node in nodes if node.gpus >= 1]
    return min(max((math.ceil(count - _EPS) for count in per_gpu), default=0), sharers(request.gpus))


def _on_machine(node: Node, request: Request) -> int:
    """The most workers that may share the memory of ``node``."""
    by_cpus = math.ceil(node.cpus / request.cpus - _EPS) if workers_on(node, request) else 0
    return min(by_cpus, workers_on(node, replace(request, cpus=1))) if request.gpus else by_cpus


def _most_cpus(request: Request, nodes: Sequence[Node]) -> int:
    """The CPUs of the largest machine that has room for such a worker."""
    cpus = (node.cpus for node in nodes if workers_on(node, replace(request, cpus=1)))
    return int(max(cpus, default=0.0) + _EPS)


def larger_share(request: Request, memory: Memory, workers: int, nodes: Sequence[Node]) -> Request | None:
    """The request of a worker after one of its kind ran out of ``memory``: half as many workers share it, or more where
    a whole trial would not fit otherwise. None where the trial already shares it with no other."""
    count = most_sharers(request, memory, nodes)
    for target in range(max(1, count // 2), count):
        larger = shared_by_at_most(request, memory, target, nodes)
        if trials_at_once(larger, workers, nodes) >= 1:
            return larger
    largest = largest_share(request, memory, workers, nodes)
    return None if largest == request else largest


def largest_share(request: Request, memory: Memory, workers: int, nodes: Sequence[Node]) -> Request:
    """The request with the most of ``memory`` that all workers of a trial can have at once."""
    if memory == "gpu":
        larger = [replace(request, gpus=gpu_share(k)) for k in range(1, sharers(request.gpus))]
    else:
        larger = [replace(request, cpus=cpus) for cpus in range(_most_cpus(request, nodes), request.cpus, -1)]
    return next((candidate for candidate in larger if trials_at_once(candidate, workers, nodes) >= 1), request)


def shared_by_at_most(request: Request, memory: Memory, target: int, nodes: Sequence[Node]) -> Request:
    """The request, at least ``request``, that lets at most ``target`` workers share one ``memory``."""
    if memory == "gpu":
        return replace(request, gpus=max(request.gpus, gpu_share(target)))
    return replace(request, cpus=max(request.cpus, -(-_most_cpus(request, nodes) // target)))


def cpus_for(need: int, request: Request, workers: int, nodes: Sequence[Node]) -> int | None:
    """The fewest CPUs to ask for where a worker needs ``need`` bytes of its machine's memory: on every machine that has
    room for it, the worker's share of the processors is at least its share of the memory. None where it fits no
    machine."""
    for cpus in range(request.cpus, _most_cpus(request, nodes) + 1):
        larger = replace(request, cpus=cpus)
        with_room = [node for node in nodes if workers_on(node, larger)]
        if all(not node.memory or need * node.cpus <= cpus * node.memory for node in with_room):
            return cpus if trials_at_once(larger, workers, nodes) >= 1 else None
    return None


def sharers_that_fit(need: int, gpu_memory: int, most: int) -> int:
    """The number of workers, from 1 to ``most``, that fit a GPU of ``gpu_memory`` bytes when each needs ``need`` bytes.
    A lone worker is never refused."""
    return max(1, min(most, gpu_memory // max(1, need)))


def share_within(request: Request, least: Request, workers: int, nodes: Sequence[Node]) -> Request:
    """``request``, or as much of it as ``nodes`` can give to a whole trial, as it may stem from a larger cluster; at
    least ``least``, which they can give."""
    smaller = [gpu_share(k) for k in range(sharers(request.gpus) + 1, sharers(least.gpus) + 1)]
    requests = (
        Request(cpus, gpus) for cpus in range(request.cpus, least.cpus - 1, -1) for gpus in (request.gpus, *smaller)
    )
    return next((candidate for candidate in requests if trials_at_once(candidate, workers, nodes) >= 1), least)
