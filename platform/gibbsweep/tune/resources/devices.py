"""The shares of the cluster that runs ask for, and whether one more run has room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gibbsweep.folder import Memory, MemoryRetry, RunFolder, read_memory_retries, write_memory_retries
from gibbsweep.folder.layout import MEMORY_RETRIES
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.resources.shares import (
    Node,
    Request,
    larger_share,
    largest_share,
    most_sharers,
    share_within,
    trials_at_once,
)

LOOK_EVERY_S = 10.0
"""Seconds between two looks at a cluster that grows."""
WAITING = 2
"""The most trials with worker groups that wait on a cluster that grows. Each holds a process; one that waits makes
nodes come."""


class Devices:
    """The processors and GPUs that the trials of a sweep share.

    Each worker asks for what ``requests`` says of its contender. Once a run has run out of memory, later runs of the
    same contender ask for more. This is on record in that run's folder, and is read from there when the sweep is
    resumed::

        devices = Devices({"rbm": Request(cpus=1)}, 1, lambda: [Node(8)], trials_folder=sweep.trials)
        if devices.has_room(planned, running):
            request = devices.start(planned)
    """

    requests: dict[str, Request]
    """The request of a worker, by contender."""
    nodes: list[Node]
    """The machines, as they were when last looked at."""

    def __init__(
        self,
        requests: Mapping[str, Request],
        workers: int,
        nodes: Callable[[], Sequence[Node]],
        *,
        trials_folder: Path,
        grows: bool = False,
    ) -> None:
        """``requests``: what a worker of each contender asks for at first; ``workers`` of a trial; ``nodes`` gives the
        machines that there are now; ``grows``: the cluster adds machines on demand."""
        self._workers, self._list_nodes, self._trials_folder, self._grows = workers, nodes, trials_folder, grows
        self.nodes, self._looked_at = list(nodes()), time.monotonic()
        self.requests = dict(requests)
        self._run_requests: dict[str, Request] = {}  # of runs that need more than others of their contender
        self._started: dict[str, Request] = {}  # what each run got that this process started
        self._trials_at_once: dict[Request, int] = {}
        for path in sorted(trials_folder.glob(f"*/{MEMORY_RETRIES}")):
            for retry in read_memory_retries(path.parent):
                self._apply(path.parent.name, retry)

    @property
    def most_workers(self) -> int | None:
        """The most workers that run at once; None where the cluster grows."""
        if self._grows:
            return None
        return self._workers * max(self._trials_that_fit(request) for request in self.requests.values())

    @property
    def on_several(self) -> bool:
        """Whether runs may train on other machines than this process's."""
        return self._grows or len(self.nodes) > 1

    def fit_somewhere(self) -> bool:
        """Whether the machines that there are now would have room for a trial if they were idle."""
        nodes = self._list_nodes()
        return any(trials_at_once(request, self._workers, nodes) for request in set(self.requests.values()))

    def start(self, planned: PlannedRun) -> Request:
        """Note that ``planned`` starts now; returns what each of its workers asks for."""
        self._started[planned.name] = request = self.request_of(planned)
        return request

    def request_of(self, planned: PlannedRun) -> Request:
        """The request that a worker of ``planned`` would make if it started now."""
        contender, run = self.requests[planned.contender], self._run_requests.get(planned.name, Request())
        return Request(max(contender.cpus, run.cpus), max(contender.gpus, run.gpus))

    def has_room(self, planned: PlannedRun, running: Iterable[PlannedRun]) -> bool:
        """Whether ``planned`` can start beside the ``running`` runs. A run takes 1/n of the cluster if n runs like it
        fit."""
        return self._room(self.request_of(planned), running)

    def is_full(self, running: Iterable[PlannedRun]) -> bool:
        """Whether no run could start. The next one is then not asked for yet, as a suggestion made early knows less."""
        running = list(running)
        return not any(self._room(request, running) for request in set(self.requests.values()))

    def give_more(
        self, planned: PlannedRun, memory: Memory, message: str, *, lost_seconds: float = 0.0, certain: bool = True
    ) -> MemoryRetry | None:
        """Give ``planned``, which has run out of ``memory``, a larger share of it, and put that on record.

        Half as many runs of its contender share the memory from now on. If it is not ``certain`` that the memory ran
        out, only ``planned`` gets more: all that it can have. Returns None if ``planned`` already shares the memory
        with no other trial."""
        self._refresh()
        before, now = self._started.get(planned.name, self.request_of(planned)), self.request_of(planned)
        larger: Request | None = now
        if (now.gpus if memory == "gpu" else now.cpus) <= (before.gpus if memory == "gpu" else before.cpus):
            # Otherwise another run of the contender ran out of memory while this one ran, and has raised the request.
            larger = (larger_share if certain else largest_share)(now, memory, self._workers, self.nodes)
        if larger is None or larger == before:
            return None
        run_dir = self._trials_folder / planned.name
        retry = MemoryRetry(
            contender=planned.contender,
            memory=memory,
            step=read_progress(RunFolder(run_dir).checkpoint).step,
            before=most_sharers(before, memory, self.nodes),
            after=most_sharers(larger, memory, self.nodes),
            cpus=larger.cpus,
            gpus=larger.gpus,
            message=message,
            lost_seconds=lost_seconds * self._workers,
            certain=certain,
        )
        write_memory_retries(run_dir, [*read_memory_retries(run_dir), retry])
        self._apply(planned.name, retry)
        return retry

    def _apply(self, run: str, retry: MemoryRetry) -> None:
        """Raise the requests of ``run``, and of its contender if the memory certainly ran out, as ``retry``
        says."""
        if retry.contender not in self.requests:
            return
        before = self.requests[retry.contender]
        run_request = Request(max(before.cpus, retry.cpus), max(before.gpus, retry.gpus))
        if retry.certain:  # only of the memory that ran out; the rest of the request is this run's alone
            cpus = retry.cpus if retry.memory == "host" else before.cpus
            gpus = retry.gpus if retry.memory == "gpu" else before.gpus
            raised = Request(max(before.cpus, cpus), max(before.gpus, gpus))
            self.requests[retry.contender] = self._within_cluster(raised, before)
        run_request = self._within_cluster(run_request, before)
        if run_request != self.requests[retry.contender]:
            self._run_requests[run] = run_request

    def _within_cluster(self, request: Request, least: Request) -> Request:
        return request if self._grows else share_within(request, least, self._workers, self.nodes)

    def _trials_that_fit(self, request: Request) -> int:
        if request not in self._trials_at_once:
            self._trials_at_once[request] = trials_at_once(request, self._workers, self.nodes)
        return self._trials_at_once[request]

    def _room(self, request: Request, running: Iterable[PlannedRun]) -> bool:
        if self._grows and self._workers == 1:
            return True  # a waiting trial makes nodes come, and Tune bounds how many wait
        self._refresh()
        requests = [self._started.get(planned.name, self.request_of(planned)) for planned in running]
        if self._grows:
            return len(requests) < self._trials_that_fit(request) + WAITING
        return sum(1 / max(1, self._trials_that_fit(other)) for other in [*requests, request]) <= 1 + 1e-6

    def _refresh(self) -> None:
        """Look at the machines again, if the cluster grows and the last look is some time ago."""
        if self._grows and time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self.nodes, self._looked_at = list(self._list_nodes()), time.monotonic()
            self._trials_at_once.clear()
