"""Measures, as tasks on the cluster, what its machines are and what a trial needs of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gibbsweep.run.memory_need import Cuda, MemoryNeed
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.resources.probe import Measure, Question, measure_in_child, pickle_by_value
from gibbsweep.tune.resources.requests import Machines
from gibbsweep.tune.resources.shortage import MemoryTaken, Shortages, read_shortage

_ENDED = "Ray's memory monitor ended it"


def machines(say: Callable[[str], None]) -> Machines:
    """The machines of the cluster that has been started. ``say`` tells a person a sentence.

    Its methods raise MemoryTaken if Ray's memory monitor ends their tasks again and again, as other programs have the
    memory."""
    shortages = Shortages(cluster.nodes(), cluster.this_node(), say=say, halt=_raise)
    return Machines(cluster.nodes, lambda: gpu(shortages), lambda gpus: on_cluster(gpus, shortages))


def on_cluster(gpus: bool, shortages: Shortages) -> Measure:
    """A function that measures the need of each trial in a task on the cluster, with a whole GPU if ``gpus``."""

    def measure(questions: Sequence[Question]) -> list[MemoryNeed]:
        import ray

        task = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_calls=1, max_retries=0)(_task)
        starts: dict[str, Callable[[], Any]] = {}
        for question in questions:
            pickled = pickle_by_value((question.assignment, question.space))
            starts[question.contender] = partial(task.remote, pickled, gpus)
        needs = _results(starts, shortages)
        return [needs[question.contender] or MemoryNeed(0, failed=_ENDED) for question in questions]

    return measure


def gpu(shortages: Shortages) -> tuple[str, int]:
    """The name of a GPU of the cluster and its bytes."""
    import ray

    task = ray.remote(num_cpus=0, num_gpus=1, max_calls=1, max_retries=0)(_gpu)
    found = _results({"the GPU": task.remote}, shortages)["the GPU"]
    if found is None:
        raise MemoryTaken(f"a GPU could not be looked at: {_ENDED}", "free memory on its machine, then ")
    name, memory = found
    return str(name), int(memory)


def _results(starts: Mapping[str, Callable[[], Any]], shortages: Shortages) -> dict[str, Any]:
    """The results of the tasks that ``starts`` submit, by name. Tasks that Ray's memory monitor ends are submitted
    again while ``shortages`` excuses them; None stands for those that it does not excuse."""
    import ray

    results: dict[str, Any] = {}
    while left := [name for name in starts if name not in results]:
        tasks = {name: starts[name]() for name in left}
        for name, task in tasks.items():
            try:
                results[name] = ray.get(task)
            except ray.exceptions.OutOfMemoryError as error:
                shortage = read_shortage(str(error))
                if shortage is None or not shortages.excuse(f"the measurement of {name}", shortage):
                    results[name] = None
        shortages.wait()
    return results


def _raise(why: str, advice: str) -> None:
    raise MemoryTaken(why, advice)


def _gpu() -> tuple[str, int]:
    import torch

    return torch.cuda.get_device_name(), Cuda().total()


def _task(question: bytes, gpus: bool) -> MemoryNeed:
    assignment, space = pickle.loads(question)
    # This process holds its own CUDA context meanwhile, so that the device's use grows by the child's alone.
    return measure_in_child(assignment, space, Cuda().used() if gpus else None)
