"""Measures, as tasks on the cluster, what its machines are and what a trial needs of them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from gibbsweep.run.memory_need import Cuda, MemoryNeed
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.resources.probe import Measure, Question, measure_in_child, pickle_by_value
from gibbsweep.tune.resources.requests import Machines


def machines() -> Machines:
    """The machines of the cluster that has been started."""
    return Machines(cluster.nodes, gpu, on_cluster)


def on_cluster(gpus: bool) -> Measure:
    """A function that measures the need of each trial in a task on the cluster, with a whole GPU if ``gpus``."""

    def measure(questions: Sequence[Question]) -> list[MemoryNeed]:
        import ray

        task = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_calls=1, max_retries=0)(_task)
        return list(ray.get([task.remote(pickle_by_value((q.assignment, q.space)), gpus) for q in questions]))

    return measure


def gpu() -> tuple[str, int]:
    """The name of a GPU of the cluster and its bytes."""
    import ray

    name, memory = ray.get(ray.remote(num_cpus=0, num_gpus=1, max_calls=1)(_gpu).remote())
    return str(name), int(memory)


def _gpu() -> tuple[str, int]:
    import torch

    return torch.cuda.get_device_name(), Cuda().total()


def _task(question: bytes, gpus: bool) -> MemoryNeed:
    assignment, space = pickle.loads(question)
    # This process holds its own CUDA context meanwhile, so that the device's use grows by the child's alone.
    return measure_in_child(assignment, space, Cuda().used() if gpus else None)
