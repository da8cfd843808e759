"""Who asks for how much of the cluster, and whether there is room for one more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gibbsweep.train.checkpoint import read_progress
from gibbsweep.train.out_of_memory import Memory
from gibbsweep.train.repackings import Repacking, read_repackings, write_repackings
from gibbsweep.tune.plan.run import Planned
from gibbsweep.tune.resources.shares import Node, Request, at_once, lowered, most, trials, within

LOOK_EVERY_S = 10.0
"""Seconds between two looks at a cluster that grows."""
WAITING = 2
"""Trials with worker groups that wait on a cluster that grows: each holds a process, and what it waits for makes nodes come."""


class Sharing:
    """``requests``: what a worker of each contender asks for. Once a run of it has run out of memory, all that start after it ask for
    more; this is on record in that run's folder, and read from there when the sweep is resumed."""

    def __init__(
        self,
        requests: Mapping[str, Request],
        workers: int,
        nodes: Callable[[], Sequence[Node]],
        *,
        trials_folder: Path,
        grows: bool = False,
    ) -> None:
        self._workers, self._look, self._folder, self._grows = workers, nodes, trials_folder, grows
        self.nodes, self._looked = list(nodes()), time.monotonic()
        self.requests = dict(requests)
        self._own: dict[str, Request] = {}
        self._started: dict[str, Request] = {}  # what each run has that was started by this process
        self._counts: dict[Request, int] = {}  # trials that fit
        for run_dir in sorted(trials_folder.glob("*/packing.json")):
            for repacking in read_repackings(run_dir.parent):
                self._learn(run_dir.parent.name, repacking)

    @property
    def devices(self) -> int | None:
        """The most workers that run at once; None where the cluster grows."""
        if self._grows:
            return None
        return self._workers * max(self._fits(request) for request in self.requests.values())

    def start(self, planned: Planned) -> Request:
        """What a worker of ``planned`` asks for, which starts now."""
        self._started[planned.name] = request = self.request_of(planned)
        return request

    def request_of(self, planned: Planned) -> Request:
        """What a worker of ``planned`` would ask for if it started now."""
        asked, own = self.requests[planned.contender], self._own.get(planned.name, Request())
        return Request(max(asked.cpus, own.cpus), max(asked.gpus, own.gpus))

    def has_room(self, planned: Planned, running: Iterable[Planned]) -> bool:
        """Whether ``planned`` can start beside what is ``running``: each takes the share of the cluster of which as many fit."""
        return self._room(self.request_of(planned), running)

    def full(self, running: Iterable[Planned]) -> bool:
        """Whether nothing could start: then the next run is not asked for yet. A suggestion made early knows less."""
        running = list(running)
        return not any(self._room(request, running) for request in set(self.requests.values()))

    def lower(
        self, planned: Planned, memory: Memory, message: str, *, lost_seconds: float = 0.0, certain: bool = True
    ) -> Repacking | None:
        """``planned`` has run out of ``memory``: half as many share it from now on, which is then on record. Where that is not
        ``certain``, it alone does not share it any more. None: it shares it with no other trial already."""
        self._refresh()
        request, now = self._started.get(planned.name, self.request_of(planned)), self.request_of(planned)
        found: Request | None = now
        if (now.gpus if memory == "gpu" else now.cpus) <= (request.gpus if memory == "gpu" else request.cpus):
            # Else another run of its kind has met the same fate while this one ran.
            found = (lowered if certain else most)(now, memory, self._workers, self.nodes)
        if found is None or found == request:
            return None
        run_dir = self._folder / planned.name
        repacking = Repacking(
            planned.contender, memory, read_progress(run_dir / "checkpoint").step,
            at_once(request, memory, self.nodes), at_once(found, memory, self.nodes),
            found.cpus, found.gpus, message, lost_seconds * self._workers, certain,
        )  # fmt: skip
        write_repackings(run_dir, [*read_repackings(run_dir), repacking])
        self._learn(planned.name, repacking)
        return repacking

    def _learn(self, run: str, repacking: Repacking) -> None:
        if repacking.contender not in self.requests:
            return
        asked = self.requests[repacking.contender]
        own = Request(max(asked.cpus, repacking.cpus), max(asked.gpus, repacking.gpus))
        if repacking.certain:  # of that memory; what else the run asks for is its own affair
            cpus = repacking.cpus if repacking.memory == "host" else asked.cpus
            gpus = repacking.gpus if repacking.memory == "gpu" else asked.gpus
            self.requests[repacking.contender] = self._given(
                Request(max(asked.cpus, cpus), max(asked.gpus, gpus)), asked
            )
        own = self._given(own, asked)
        if own != self.requests[repacking.contender]:
            self._own[run] = own

    def _given(self, request: Request, least: Request) -> Request:
        return request if self._grows else within(request, least, self._workers, self.nodes)

    def _fits(self, request: Request) -> int:
        if request not in self._counts:
            self._counts[request] = trials(request, self._workers, self.nodes)
        return self._counts[request]

    def _room(self, request: Request, running: Iterable[Planned]) -> bool:
        if self._grows and self._workers == 1:
            return True  # what waits is what makes nodes come, and Tune bounds how much does
        self._refresh()
        beside = [self._started.get(planned.name, self.request_of(planned)) for planned in running]
        if self._grows:
            return len(beside) < self._fits(request) + WAITING
        return sum(1 / max(1, self._fits(other)) for other in [*beside, request]) <= 1 + 1e-6

    def _refresh(self) -> None:
        if self._grows and time.monotonic() - self._looked >= LOOK_EVERY_S:
            self.nodes, self._looked = list(self._look()), time.monotonic()
            self._counts.clear()
