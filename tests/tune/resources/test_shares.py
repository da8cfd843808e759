"""Decisions about shares of a device: no memory is ever overfilled, halving ends alone, and a whole trial always
fits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gibbsweep.tune.on_ray.trial import DRIVER_CPUS
from gibbsweep.tune.resources.shares import (
    Node,
    Request,
    cpus_for,
    gpu_share,
    larger_share,
    largest_share,
    most_sharers,
    share_within,
    shared_by_at_most,
    sharers,
    sharers_that_fit,
    trials_at_once,
    workers_on,
)

NODES = st.lists(
    st.builds(Node, st.integers(1, 24).map(float), st.integers(0, 4).map(float), st.integers(1, 64)),
    min_size=1,
    max_size=4,
)
GPUS = st.sampled_from([0.0, 1.0, 2.0, *(gpu_share(k) for k in range(2, 9))])
MEMORIES = st.sampled_from(["gpu", "host"])


@given(st.integers(1, 60))
def test_k_shares_fit_one_gpu(k: int) -> None:
    assert k * gpu_share(k) <= 1 < (k + 1) * gpu_share(k)
    assert sharers(gpu_share(k)) == k


@given(st.integers(1, 64), st.integers(1, 10**6), st.data())
def test_runs_that_fit_their_machine_one_by_one_fit_it_together(cpus: int, memory: int, data: st.DataObject) -> None:
    """However runs of different needs are mixed: while their CPUs fit, their memory does."""
    node = Node(float(cpus), 0.0, memory)
    taken = used = 0
    for need in data.draw(st.lists(st.integers(1, memory), min_size=1, max_size=20)):
        asked = cpus_for(need, Request(), 1, [node])
        assert asked is not None
        if taken + asked <= cpus:
            taken, used = taken + asked, used + need
    assert 0 < used <= memory


@given(st.integers(1, 10**6), st.integers(1, 8), st.data())
def test_runs_that_fit_their_gpu_one_by_one_fit_it_together(memory: int, most: int, data: st.DataObject) -> None:
    taken, used = 0.0, 0
    for need in data.draw(st.lists(st.integers(1, memory), min_size=1, max_size=20)):
        asked = gpu_share(sharers_that_fit(need, memory, most))
        if taken + asked <= 1:
            taken, used = taken + asked, used + need
    assert 0 < used <= memory


@given(NODES, st.integers(1, 64))
def test_a_need_is_met_on_every_machine_that_takes_it(nodes: list[Node], need: int) -> None:
    asked = cpus_for(need, Request(), 1, nodes)
    if asked is None:
        largest = max(node.cpus for node in nodes)
        assert any(node.memory < need for node in nodes if node.cpus == largest)
        return
    for node in nodes:
        assert workers_on(node, Request(asked)) * need <= node.memory or workers_on(node, Request(asked)) == 0


def test_the_fewest_cpus_are_asked_for() -> None:
    node = [Node(8.0, 0.0, 80)]
    assert [cpus_for(need, Request(), 1, node) for need in (10, 11, 20, 21, 40, 41, 80, 81)] == [
        1, 2, 2, 3, 4, 5, 8, None,
    ]  # fmt: skip


def test_a_machine_whose_memory_is_not_known_bounds_nothing() -> None:
    assert cpus_for(10**12, Request(), 1, [Node(4.0)]) == 1


def chain(request: Request, memory: str, workers: int, nodes: list[Node]) -> Iterator[Request]:
    found: Request | None = request
    while found is not None:
        yield found
        found = larger_share(found, memory, workers, nodes)  # type: ignore[arg-type]


@given(NODES, GPUS, st.integers(1, 6), MEMORIES)
@settings(max_examples=300)
def test_halving_ends_alone_and_a_whole_trial_always_fits(
    nodes: list[Node], gpus: float, workers: int, memory: str
) -> None:
    request = Request(1, gpus)
    if trials_at_once(request, workers, nodes) == 0:
        return
    steps = list(chain(request, memory, workers, nodes))
    counts = [most_sharers(step, memory, nodes) for step in steps]  # type: ignore[arg-type]
    assert all(trials_at_once(step, workers, nodes) >= 1 for step in steps)
    assert all((after.cpus, after.gpus) > (before.cpus, before.gpus) for before, after in itertools.pairwise(steps))
    assert steps[-1] == largest_share(request, memory, workers, nodes)  # type: ignore[arg-type]
    if workers == 1:
        assert counts[-1] <= 1
        assert all(after <= max(1, before // 2) for before, after in itertools.pairwise(counts))
        assert len(counts) <= 8


@given(NODES, st.integers(1, 6))
@settings(max_examples=200)
def test_at_the_end_no_other_trial_fits_a_machine_beside_it(nodes: list[Node], workers: int) -> None:
    if trials_at_once(Request(), workers, nodes) == 0:
        return
    last = largest_share(Request(), "host", workers, nodes)
    largest = max(nodes, key=lambda node: node.cpus)
    inside = min(workers, workers_on(largest, last))
    left = Node(largest.cpus - inside * last.cpus)
    if len(nodes) == 1:
        assert trials_at_once(Request(), workers, [left]) == 0


def test_halving_a_gpu_and_a_machine() -> None:
    node = [Node(16.0, 1.0)]
    assert [s.gpus for s in chain(Request(1, gpu_share(8)), "gpu", 1, node)] == [0.125, 0.25, 0.5, 1.0]
    assert [s.gpus for s in chain(Request(1, gpu_share(3)), "gpu", 1, node)] == [0.3333, 1.0]
    assert [s.cpus for s in chain(Request(), "host", 1, node)] == [1, 2, 4, 8, 16]
    assert [s.cpus for s in chain(Request(), "host", 1, [Node(5.0)])] == [1, 3, 5]
    # Four CPUs let only four of eight share the GPU: half of that is two.
    assert [s.gpus for s in chain(Request(1, gpu_share(8)), "gpu", 1, [Node(4.0, 1.0)])] == [0.125, 0.5, 1.0]
    # Two GPUs of a machine, a trial each: its memory is shared by two.
    assert [s.cpus for s in chain(Request(1, 1.0), "host", 1, [Node(16.0, 2.0)])] == [1, 16]


def test_two_workers_of_a_trial_go_on_sharing_the_only_gpu() -> None:
    assert [s.gpus for s in chain(Request(1, gpu_share(4)), "gpu", 2, [Node(8.0, 1.0)])] == [0.25, 0.5]
    assert [s.cpus for s in chain(Request(), "host", 2, [Node(8.0)])] == [1, 2, 4]


def place(nodes: list[Node], request: Request, workers: int, drivers: int, *, spread: bool) -> int:
    """Workers of ``request`` that fit beside the processes of ``drivers`` trials, put where they hurt most."""
    left = [node.cpus for node in nodes]
    for i in range(drivers):
        left[i % len(left) if spread else 0] -= DRIVER_CPUS
    each = request.cpus - DRIVER_CPUS
    return sum(
        workers_on(Node((cpus + 1e-9) // each * request.cpus, node.gpus), request)
        for cpus, node in zip(left, nodes, strict=True)
    )


@given(NODES, GPUS, st.integers(2, 6), st.booleans(), MEMORIES)
@settings(max_examples=300)
def test_nested_trainers_never_wait_for_one_another(
    nodes: list[Node], gpus: float, workers: int, spread: bool, memory: str
) -> None:
    """With as many trials started as are let in, each holding its own process's CPUs, all workers of one at least have
    room."""
    request = Request(1, gpus)
    if trials_at_once(request, workers, nodes) == 0:
        return
    for step in chain(request, memory, workers, nodes):
        started = trials_at_once(step, workers, nodes)
        assert place(nodes, step, workers, started, spread=spread) >= workers


def test_two_machines_of_one_cpu_have_room_for_two_workers() -> None:
    nodes = [Node(1.0), Node(1.0)]
    assert trials_at_once(Request(), 2, nodes) == 1
    assert place(nodes, Request(), 2, 1, spread=False) == 2


def test_machines_are_counted_not_their_sums() -> None:
    assert trials_at_once(Request(1, 2.0), 1, [Node(8.0, 3.0), Node(8.0, 3.0)]) == 2
    assert trials_at_once(Request(1, 1.0), 1, [Node(8.0, 0.0), Node(1.0, 4.0)]) == 1


@given(NODES, NODES, GPUS, MEMORIES, st.integers(1, 3))
def test_what_a_larger_cluster_gave_shrinks_to_what_this_one_has(
    large: list[Node], small: list[Node], gpus: float, memory: str, workers: int
) -> None:
    request = Request(1, gpus)
    if trials_at_once(request, workers, large) == 0 or trials_at_once(request, workers, small) == 0:
        return
    for step in chain(request, memory, workers, large):
        found = share_within(step, request, workers, small)
        assert trials_at_once(found, workers, small) >= 1
        if trials_at_once(step, workers, small) >= 1:
            assert found == step


def test_at_most_never_asks_for_less() -> None:
    assert shared_by_at_most(Request(4, 0.5), "host", 8, [Node(16.0)]) == Request(4, 0.5)
    assert shared_by_at_most(Request(1, 0.5), "gpu", 4, [Node(16.0, 1.0)]) == Request(1, 0.5)


@pytest.mark.parametrize(("need", "k"), [(1, 8), (10, 8), (13, 7), (50, 2), (51, 1), (1000, 1)])
def test_pieces_of_a_gpu_of_100(need: int, k: int) -> None:
    assert sharers_that_fit(need, 100, 8) == k
