"""Memory that other programs have taken. Ray's memory monitor then ends trials, which is no fault of theirs: the sweep
waits until the machine has room again."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.resources.memory import available_memory
from gibbsweep.tune.resources.requests import PROCESS_BYTES, SMALL_RUN_BYTES
from gibbsweep.tune.resources.shares import Node

WAIT_S = 600.0
"""Seconds that a sweep waits for memory while none of its runs is running. Then it pauses."""
ELSEWHERE_S = 30.0
"""Seconds after which a run is tried again on another machine, whose memory is not seen from here."""
MOST_EXCUSED = 5
"""After this many deaths of one run in a row, with no report between them, the sweep pauses: it would go on so for
ever."""
_LOOK_EVERY_S = 1.0
_GROWS_BY = 1.25  # what a run held when it was ended was not yet all that it needs

_NODE = re.compile(r"Memory on the node \(IP: (\S+), ID: (\w+)\)")
_LIMIT = re.compile(r"Memory usage (\d+)B exceeded threshold of (\d+)B \([\d.]+% of (\d+)B limit\)")
_WORKER = re.compile(r"^(.*)\(Task: .*actual memory used=([\d.]+)GB", re.MULTILINE)
_PROGRAM = re.compile(r"^(\d+)\t([\d.]+)\t(?!ray::)(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Shortage:
    """What Ray's memory monitor says of a machine on which it has ended workers. All sizes are bytes.

    For example::

        shortage = read_shortage(str(error))
        shortage is not None and shortage.is_of_others(room_before=8 * 2**30)
    """

    address: str
    """The machine's address."""
    node: str
    """Ray's name of the machine."""
    limit: int
    """The memory that the machine, or the control group of its Ray, has."""
    threshold: int
    """Ray ends workers when more than this is in use."""
    used: int
    """The memory that was in use."""
    by_workers: int
    """The part of it that Ray's workers held, the ended ones included."""
    held: int
    """The most that one of the ended workers held."""
    largest: str = ""
    """The largest other program, as a clause for a person."""

    @property
    def by_others(self) -> int:
        """The memory that was in use by everything but Ray's workers."""
        return self.used - self.by_workers

    def is_of_others(self, room_before: int | None) -> bool:
        """Whether other programs have taken the memory. ``room_before``: what there was for trials when the sweep
        began, where that is known.

        It is so if the ended worker held less than a trial's process takes before its run begins, or if others have
        left less than half of that room."""
        room = self.threshold - self.by_others
        return self.held < PROCESS_BYTES or room < (self.limit if room_before is None else room_before) / 2

    def __str__(self) -> str:
        largest = f"; {self.largest}" if self.largest else ""
        return (
            f"{size_text(self.by_others)} of its {size_text(self.limit)} were in use by other programs and "
            f"{size_text(self.by_workers)} by trials, and Ray leaves {size_text(self.threshold)}{largest}"
        )


def read_shortage(text: str) -> Shortage | None:
    """The shortage of which Ray's memory monitor writes ``text``; None for any other text."""
    node, numbers = _NODE.search(text), _LIMIT.search(text)
    if node is None or numbers is None:
        return None
    workers = [(words, round(float(size) * 2**30)) for words, size in _WORKER.findall(text)]
    program = _PROGRAM.search(text)  # the list begins with the largest
    return Shortage(
        address=node[1],
        node=node[2],
        limit=int(numbers[3]),
        threshold=int(numbers[2]),
        used=int(numbers[1]),
        by_workers=sum(size for _, size in workers),
        held=max((size for words, size in workers if "Selected" in words), default=0),
        largest=""
        if program is None
        else f"the largest is {PurePosixPath(program[3]).name} (process {program[1]}) with "
        f"{size_text(float(program[2]) * 2**30)}",
    )


class MemoryTaken(Exception):
    """Other programs have the memory of a machine, and waiting has not helped. Its arguments are why the sweep pauses,
    and what a person does about it before it goes on."""


class Shortages:
    """Holds runs back while other programs have the memory of a machine, and halts a sweep that waits in vain.

    ``nodes``: the machines when the sweep began; ``here``: Ray's name of this one; ``say`` tells a person a sentence;
    ``halt`` as :meth:`gibbsweep.tune.resources.gate.Gate.halt`; ``free``: bytes that new processes of this machine may
    use.

    For example::

        shortages = Shortages(nodes, here, say=print, halt=gate.halt)
        if shortages.excuse("rbm-0003", shortage):  # it goes on from its checkpoint
            while not shortages.over(others_run=False): ...
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        here: str,
        *,
        say: Callable[[str], None],
        halt: Callable[[str, str], None],
        free: Callable[[], int] = available_memory,
    ) -> None:
        self._room = {node.name: node.memory for node in nodes if node.name and node.memory}
        self._here, self._say, self._halt, self._free = here, say, halt, free
        self._excused: Counter[str] = Counter()
        self._now: Shortage | None = None
        self._since = self._looked_at = 0.0

    def excuse(self, run: str, shortage: Shortage) -> bool:
        """Whether ``run``, whose process Ray ended in this ``shortage``, is without fault; it is then held back until
        there is room."""
        if not shortage.is_of_others(self._room.get(shortage.node)):
            return False
        self._excused[run] += 1
        if self._excused[run] > MOST_EXCUSED:
            self._pause(shortage, f"Ray has ended {run} {self._excused[run]} times for it")
        elif self._now is None:
            self._say(
                f"memory  ·  other programs have taken the memory of {self._place(shortage)} ({shortage}): {run} and "
                "what follows it wait"
            )
            self._since = time.monotonic()
        self._now = shortage
        return True

    def advanced(self, run: str) -> None:
        """Note that ``run`` has reported."""
        self._excused.pop(run, None)

    def over(self, *, others_run: bool) -> bool:
        """Whether a run may start. ``others_run``: runs of the sweep are running, so that waiting costs little."""
        if self._now is None:
            return True
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return False
        self._looked_at = now
        if self._has_room(self._now, now - self._since):
            self._say("memory  ·  there is room again: the sweep goes on")
            self._now = None
            return True
        if now - self._since > WAIT_S and not others_run:
            self._pause(self._now, f"{round(now - self._since)} s of waiting changed nothing")
        return False

    def wait(self) -> None:
        """Return when a run may start, while none of the sweep is running."""
        while not self.over(others_run=False):
            time.sleep(_LOOK_EVERY_S)

    def _has_room(self, shortage: Shortage, waited: float) -> bool:
        if shortage.node != self._here:
            return waited >= ELSEWHERE_S
        need = max(PROCESS_BYTES + SMALL_RUN_BYTES, round(_GROWS_BY * shortage.held))
        return self._free() - (shortage.limit - shortage.threshold) >= need

    def _pause(self, shortage: Shortage, why: str) -> None:
        share = shortage.threshold / shortage.limit
        self._halt(
            f"other programs have taken the memory of {self._place(shortage)} ({shortage}), and {why}",
            f"end some of them, or start Ray with a RAY_memory_usage_threshold above its {share:.2f}, then ",
        )

    def _place(self, shortage: Shortage) -> str:
        return "this machine" if shortage.node == self._here else f"the machine {shortage.address}"
