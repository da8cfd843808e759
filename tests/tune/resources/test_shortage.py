"""Whose fault it is that a machine ran low on memory, how long a sweep waits for it, and when it pauses instead."""

from __future__ import annotations

import pytest
from tests.tune.resources.shortages import GIB, HERE, TEXT, shortage

from gibbsweep.tune.resources import shortage as module
from gibbsweep.tune.resources.requests import PROCESS_BYTES
from gibbsweep.tune.resources.shares import Node
from gibbsweep.tune.resources.shortage import MOST_EXCUSED, Shortage, Shortages, read_shortage


def test_what_ray_writes_is_read() -> None:
    assert shortage() == Shortage(
        address="192.0.2.2",
        node=HERE,
        limit=25276502016,
        threshold=5889424896,
        used=7212896256,
        by_workers=round(0.06 * GIB) + round(0.5 * GIB),
        held=round(0.06 * GIB),
        largest="the largest is firefox (process 5571) with 3.77GB",
    )
    assert "secret" not in str(shortage())
    assert read_shortage("CUDA out of memory") is None
    assert read_shortage(TEXT.format(node=HERE).splitlines()[0]) is None, "half of it says nothing of anyone's share"


@pytest.mark.parametrize(
    ("held", "by_workers", "used", "before", "of_others"),
    [
        (PROCESS_BYTES - 1, PROCESS_BYTES - 1, 20, 8, True),  # it had not even begun
        (6 * GIB, 12 * GIB, 19, 16, False),  # two of 6, and what was used before
        (6 * GIB, 6 * GIB, 19, 16, True),  # others have 13 of 19, and 6 are left of 16
        (6 * GIB, 6 * GIB, 19, None, True),  # 6 are left of the whole machine's 20
        (11 * GIB, 11 * GIB, 19, None, False),
        (4 * GIB, 4 * GIB, 19, 5, False),  # the sweep began with little
    ],
)
def test_whose_fault_it_is(held: int, by_workers: int, used: int, before: int | None, of_others: bool) -> None:
    low = shortage(limit=20 * GIB, threshold=19 * GIB, used=used * GIB, by_workers=by_workers, held=held)
    assert low.is_of_others(None if before is None else before * GIB) is of_others


class Machine:
    """A sweep's shortages on a machine whose free memory and clock the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.time = 0, 1000.0
        self.said: list[str] = []
        self.halted: list[tuple[str, str]] = []
        monkeypatch.setattr(module.time, "monotonic", lambda: self.time)
        self.shortages = Shortages(
            [Node(2.0, 0.0, 16 * GIB, HERE)],
            HERE,
            say=self.said.append,
            halt=lambda why, advice: self.halted.append((why, advice)),
            free=lambda: self.free,
        )

    def over(self, seconds: float, others_run: bool = False) -> bool:
        self.time += seconds
        return self.shortages.over(others_run=others_run)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_a_run_waits_until_there_is_room_below_rays_threshold(machine: Machine) -> None:
    low = shortage(limit=20 * GIB, threshold=19 * GIB, used=19 * GIB, by_workers=2 * GIB, held=2 * GIB)
    assert machine.over(0)
    assert machine.shortages.excuse("rbm-0000", low) and machine.shortages.excuse("rbm-0001", low)
    (said,) = machine.said
    assert "taken the memory of this machine" in said and "rbm-0000" in said and "firefox" in said
    machine.free = int(3.49 * GIB)
    assert not machine.over(2), "2.5 that it may need, and 1 that Ray leaves"
    machine.free = int(3.5 * GIB)
    assert not machine.over(0.1), "it does not look all the time"
    assert machine.over(2) and machine.over(0)
    assert machine.said[1:] == ["memory  ·  there is room again: the sweep goes on"] and not machine.halted


def test_a_sweep_that_waits_in_vain_pauses_and_says_what_to_do(machine: Machine) -> None:
    machine.shortages.excuse("rbm-0000", shortage())
    assert not machine.over(module.WAIT_S + 1, others_run=True)
    assert not machine.halted, "while others run, there is something to wait for"
    assert not machine.over(2)
    ((why, advice),) = machine.halted
    assert "taken the memory of this machine" in why and "firefox (process 5571) with 3.77GB" in why
    assert "RAY_memory_usage_threshold above its 0.23, then " in advice


def test_a_run_that_ray_ends_again_and_again_pauses_the_sweep(machine: Machine) -> None:
    machine.free = 20 * GIB
    for _ in range(MOST_EXCUSED):
        assert machine.shortages.excuse("rbm-0000", shortage()) and machine.over(2)
    machine.shortages.advanced("rbm-0000")
    for _ in range(MOST_EXCUSED):
        assert machine.shortages.excuse("rbm-0000", shortage()) and machine.over(2)
    assert not machine.halted, "a report came between"
    assert machine.shortages.excuse("rbm-0000", shortage()), "it is never the run's fault"
    assert "has ended rbm-0000 6 times" in machine.halted[0][0]


def test_on_another_machine_it_is_tried_again_after_a_while(machine: Machine) -> None:
    assert machine.shortages.excuse("rbm-0000", shortage("another"))
    assert "of the machine 192.0.2.2 (" in machine.said[0]
    assert not machine.over(module.ELSEWHERE_S - 1)
    assert machine.over(2)


def test_who_filled_the_machine_itself_has_no_excuse(machine: Machine) -> None:
    low = shortage(limit=20 * GIB, threshold=19 * GIB, used=19 * GIB, by_workers=15 * GIB, held=8 * GIB)
    assert not machine.shortages.excuse("rbm-0000", low)
    assert machine.over(0) and not machine.said
