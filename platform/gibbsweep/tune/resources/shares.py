"""How many trials share a device: what each asks for, how many then fit, and what it asks for once it ran out of memory. Pure
functions of numbers; knows no Ray.

A device is a GPU, or a machine, whose processors share one memory. A run that may share a GPU with k - 1 others asks for 1/k of
it, one that may share a machine of n processors with k - 1 others for n/k of these (rounded up). So whatever runs beside it, the
shares of one device add up to at most one, and if each run needs no more than its share of the memory, all fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gibbsweep.train.out_of_memory import Memory

_UNITS = 10_000  # Ray counts resources in ten-thousandths
_EPS = 1e-6


@dataclass(frozen=True)
class Node:
    """A machine: processors and GPUs for trials, and bytes of memory that trials may use; 0 where that is not known."""

    cpus: float
    gpus: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class Request:
    """What one worker of a trial asks for."""

    cpus: int = 1
    gpus: float = 0.0


def share(k: int) -> float:
    """1/k of a GPU, rounded down to what is counted: k of them fit one GPU."""
    return 1.0 if k == 1 else _UNITS // k / _UNITS


def pieces(gpus: float) -> int:
    """How many workers of ``gpus`` each share one GPU."""
    return round(1 / gpus) if 0 < gpus < 1 else 1


def workers_on(node: Node, request: Request) -> int:
    """How many workers ``node`` has room for."""
    by_cpus = int(node.cpus / request.cpus + _EPS)
    if request.gpus == 0:
        return by_cpus
    whole = int(node.gpus + _EPS)
    return min(by_cpus, whole * pieces(request.gpus) if request.gpus < 1 else int(node.gpus / request.gpus + _EPS))


def trials(request: Request, workers: int, nodes: Sequence[Node]) -> int:
    """How many trials of ``workers`` workers each ``nodes`` have room for at once."""
    return sum(workers_on(node, request) for node in nodes) // workers


def at_once(request: Request, memory: Memory, nodes: Sequence[Node]) -> int:
    """The most workers that may share one ``memory``, one that has only part of its share included: 1 is to have it alone."""
    if memory == "host":
        return max((_on_machine(node, request) for node in nodes), default=0)
    shared = [workers_on(node, request) / int(node.gpus) for node in nodes if node.gpus >= 1]
    return min(max((math.ceil(n - _EPS) for n in shared), default=0), pieces(request.gpus))


def _on_machine(node: Node, request: Request) -> int:
    begun = math.ceil(node.cpus / request.cpus - _EPS) if workers_on(node, request) else 0
    return min(begun, workers_on(node, replace(request, cpus=1))) if request.gpus else begun


def _largest(request: Request, nodes: Sequence[Node]) -> int:
    """The CPUs of the largest machine that takes such a worker."""
    takers = (node.cpus for node in nodes if workers_on(node, replace(request, cpus=1)))
    return int(max(takers, default=0.0) + _EPS)


def lowered(request: Request, memory: Memory, workers: int, nodes: Sequence[Node]) -> Request | None:
    """What a worker asks for after one of its kind ran out of ``memory``: half as many share it, or as few as a whole trial leaves
    possible. None: it shares it with no other trial already."""
    now = at_once(request, memory, nodes)
    for target in range(max(1, now // 2), now):
        found = at_most(request, memory, target, nodes)
        if trials(found, workers, nodes) >= 1:
            return found
    last = most(request, memory, workers, nodes)
    return None if last == request else last


def most(request: Request, memory: Memory, workers: int, nodes: Sequence[Node]) -> Request:
    """The most of ``memory`` that the workers of a trial can ask for, all at once."""
    if memory == "gpu":
        larger = [replace(request, gpus=share(k)) for k in range(1, pieces(request.gpus))]
    else:
        largest = _largest(request, nodes)
        larger = [replace(request, cpus=cpus) for cpus in range(largest, request.cpus, -1)]
    return next((found for found in larger if trials(found, workers, nodes) >= 1), request)


def at_most(request: Request, memory: Memory, target: int, nodes: Sequence[Node]) -> Request:
    """``request`` with at most ``target`` workers on one ``memory``."""
    if memory == "gpu":
        return replace(request, gpus=max(request.gpus, share(target)))
    largest = _largest(request, nodes)
    return replace(request, cpus=max(request.cpus, -(-largest // target)))


def cpus_for(need: int, request: Request, workers: int, nodes: Sequence[Node]) -> int | None:
    """The fewest CPUs that a worker must ask for which needs ``need`` bytes of its machine's memory: its share of the processors of
    any machine that takes it is at least its share of the memory. None where it fits none."""
    largest = _largest(request, nodes)
    for cpus in range(request.cpus, largest + 1):
        asked = replace(request, cpus=cpus)
        takers = [node for node in nodes if workers_on(node, asked)]
        if all(not node.memory or need * node.cpus <= cpus * node.memory for node in takers):
            return cpus if trials(asked, workers, nodes) >= 1 else None
    return None


def pieces_for(need: int, gpu_memory: int, most: int) -> int:
    """How many workers that need ``need`` bytes each fit a GPU of ``gpu_memory`` bytes, from 1 to ``most``; a lone one is never
    refused."""
    return max(1, min(most, gpu_memory // max(1, need)))


def within(request: Request, least: Request, workers: int, nodes: Sequence[Node]) -> Request:
    """``request``, or as much of it as these ``nodes`` can give to a whole trial: it may stem from a larger cluster. They can give it
    ``least``."""
    shares = [share(k) for k in range(pieces(request.gpus) + 1, pieces(least.gpus) + 1)]
    less = (Request(cpus, gpus) for cpus in range(request.cpus, least.cpus - 1, -1) for gpus in (request.gpus, *shares))
    return next((asked for asked in less if trials(asked, workers, nodes) >= 1), least)
