"""What a trial needs is measured in a process of its own, once, and decides how many share a device."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.hungry import WideConfig
from tests.tiny import RBM, STUDY

from gibbsweep.errors import UserError
from gibbsweep.evaluate import SamplingCost
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.largest_config import largest_values
from gibbsweep.run.memory_need import Cuda, MemoryNeed, gpu_need, measure_memory
from gibbsweep.study.space import Choice, Float, Int
from gibbsweep.train import Budget
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.on_ray.probing import on_cluster
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources import probe
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.resources.probe import Question, measure_in_child, needs
from gibbsweep.tune.resources.requests import PROCESS_BYTES, Machines, devices_for
from gibbsweep.tune.resources.shares import Node, Request, gpu_share
from gibbsweep.tune.resources.shortage import Shortages
from gibbsweep.tune.setup.create import create
from gibbsweep_models.types import DataSpec

SPEC = DataSpec((1, 8, 8), units="binary")
MB = 10**6
GB = 10**9


def assignment(config: object = None, *, batch_size: int = 64, n: int = 1) -> Assignment:
    return Assignment(
        name="wide",
        contender="wide",
        kind="single",
        config=config or WideConfig(),  # type: ignore[arg-type]
        seed=0,
        data="digits",
        budget=Budget(10**6, batch_size, 10**6),
        run_dir=Path(),
        evaluators=(SamplingCost(n=n),),
        precision="fp32",
    )


def test_the_peak_grows_with_the_batch_by_its_activations_at_least() -> None:
    """Two activations of (batch, width) floats are alive when the backward pass begins."""
    width, small, large = 4_096, 64, 1024
    config = WideConfig(width)
    less, more = (measure_in_child(assignment(config, batch_size=size), {}) for size in (small, large))
    assert not less.failed and not more.failed
    assert more.host - less.host >= 2 * (large - small) * width * 4


def test_the_peak_has_what_evaluation_samples_and_the_largest_of_the_space() -> None:
    """A sample of n makes n x samples floats at once, while the weights of a linear layer have two moments beside
    them."""
    samples, n, width = 300_000, 64, 60_000
    need = measure_in_child(assignment(WideConfig(64, samples), n=n), {"width": Int(64, width)})
    assert need.values == {"width": width}
    assert need.host >= n * samples * 4 + 3 * 64 * width * 4


def test_who_cannot_run_says_so(tmp_path: Path) -> None:
    question, answer = tmp_path / "question", tmp_path / "answer"
    question.write_bytes(pickle.dumps((replace(assignment(), data="no_such_data"), {}, None)))
    probe.main(question, answer)
    assert "no_such_data" in MemoryNeed(**json.loads(answer.read_text())).failed


def test_the_largest_configuration_of_a_space() -> None:
    space = {
        "n_hidden": Int(4, 64, log=True),
        "learning_rate": Float(0.01, 0.1),
        "k": Choice(1, 2),
        "centred": Choice(True, False),
    }
    assert largest_values(RBM, space, SPEC) == {"n_hidden": 64}
    branches = {"k": Choice(1, 2, then={1: {"n_hidden": Choice(2, 32, 16)}, 2: {"n_hidden": Choice(128)}})}
    assert largest_values(RBM, branches, SPEC) == {"n_hidden": 32}, (
        "k makes no difference: it stays 1, and with it the branch"
    )
    assert largest_values(replace(RBM, n_hidden=100), {"n_hidden": Int(4, 64)}, SPEC) == {}, "its own is the largest"


class FakeCuda(Cuda):
    def __init__(self, used: int, reserved: int, peak: int) -> None:
        self._used, self._reserved, self._peak = used, reserved, peak

    def used(self) -> int:
        return self._used

    def reserved(self) -> int:
        return self._reserved

    def peak_reserved(self) -> int:
        return self._peak


def test_a_gpu_holds_the_peak_and_the_context_beside_it() -> None:
    # 2000 were in use before; 5000 are now, 2500 of them reserved, so the context takes 500. 2800 were reserved at the
    # peak.
    assert gpu_need(FakeCuda(5000, 2500, 2800), 2000) == 3300
    assert gpu_need(FakeCuda(4000, 2500, 2800), 2000) == 2800, "another process gave some back meanwhile"


def test_measuring_a_gpu_adds_what_it_counted() -> None:
    need = measure_memory(assignment(), {}, used_before=2000, cuda=FakeCuda(5000, 2500, 2800))
    assert need.gpu == 3300 and not need.failed and need.seconds > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_real_gpu_is_measured() -> None:
    before = Cuda().used()
    small, large = (measure_in_child(assignment(WideConfig(8192), batch_size=b), {}, before) for b in (64, 1024))
    assert large.gpu - small.gpu >= 2 * (1024 - 64) * 8192 * 4
    assert small.gpu > 50 * MB, "a context alone takes that much"
    assert Cuda().used() - before < 50 * MB, "the child's memory is returned"


def questions() -> list[Question]:
    return [Question(name, {"of": name}, assignment(), {}) for name in ("a", "b")]


def test_nothing_is_measured_twice(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def measured(new: Sequence[Question]) -> list[MemoryNeed]:
        asked.append([question.contender for question in new])
        return [MemoryNeed(len(asked), 2, {"width": 3}) for _ in new]

    path = tmp_path / "memory.json"
    first = needs(path, questions()[:1], "gpu 1", measured)
    assert first == {"a": MemoryNeed(1, 2, {"width": 3})}
    assert needs(path, questions(), "gpu 1", measured) == first | {"b": MemoryNeed(2, 2, {"width": 3})}
    assert needs(path, questions(), "gpu 1", measured)["a"] == first["a"]
    assert asked == [["a"], ["b"]]
    needs(path, questions(), "gpu 2", measured)
    other = [replace(q, assignment=replace(q.assignment, precision="bf16")) for q in questions()]
    needs(path, other, "gpu 1", measured)
    needs(path, [replace(q, fingerprint="another") for q in questions()], "gpu 1", measured)
    assert asked[2:] == [["a", "b"]] * 3


def packed(
    tmp_path: Path,
    need: MemoryNeed,
    node: Node,
    gpu: int = 80 * GB,
    **options: object,
) -> tuple[Request, list[str], int]:
    """What the contender asks for on ``node``, what was said, and how often something was measured."""
    measured: list[int] = []

    def pretended(gpus: bool) -> probe.Measure:
        assert gpus == (node.gpus > 0)
        return lambda new: [measured.append(1) or need for _ in new]  # type: ignore[func-returns-value]

    machines = Machines(lambda: [node], lambda: ("H100", gpu), pretended)
    given = SweepOptions(runs=tmp_path, name="s", budget="smoke", **options)  # type: ignore[arg-type]
    check_options(given)
    sweep, settings = create(STUDY, given, has_gpu=False)
    said: list[str] = []
    devices = devices_for(Plan(STUDY, settings, sweep), given, machines, said.append)
    if measured:
        assert said.pop(0) == "memory  ·  measuring what a trial of rbm needs: some seconds each"
    again: list[str] = []
    assert devices_for(Plan(STUDY, settings, sweep), given, machines, again.append).requests == devices.requests
    assert again == said, "the same without measuring again"
    return devices.requests["rbm"], said, len(measured)


def test_where_one_trial_at_a_time_runs_nothing_is_measured(tmp_path: Path) -> None:
    need = MemoryNeed(0)
    for i, (node, options) in enumerate(
        [
            (Node(1.0, 0.0, GB // 2), {}),
            (Node(8.0, 1.0, GB // 2), {}),
            (Node(8.0, 1.0, GB // 2), {"gpus_per_trial": 1.0}),
            (Node(2.0, 0.0, GB // 2), {"workers_per_trial": 2}),
            (Node(8.0, 0.0, 16 * GB), {}),
            (Node(64.0, 0.0, 0), {}),
        ]
    ):
        request, said, measured = packed(tmp_path / str(i), need, node, **options)
        assert (request.cpus, said, measured) == (1, [], 0)


def test_little_memory_on_a_machine_bounds_how_many_run(tmp_path: Path) -> None:
    need = MemoryNeed(1000 * MB - PROCESS_BYTES)
    request, said, measured = packed(tmp_path, need, Node(8.0, 0.0, 4 * GB))
    assert measured == 1
    assert request == Request(3), "3.6 of 4 GB for trials of 1 GB: three of them, and two of three CPUs"
    assert said == ["memory  ·  rbm: 2 at once instead of 8, as one needs 1GB of the 3.6GB that are free"]


def test_who_fits_no_machine_has_one_alone(tmp_path: Path) -> None:
    request, said, _ = packed(tmp_path, MemoryNeed(9 * GB), Node(8.0, 0.0, 4 * GB))
    assert request == Request(8)
    assert "1 at once instead of 8" in said[0]


def test_a_fraction_that_fits_is_given(tmp_path: Path) -> None:
    node = Node(16.0, 1.0, 200 * GB)
    request, said, measured = packed(tmp_path, MemoryNeed(MB, 18 * GB), node, gpus_per_trial=0.25)
    assert (request, said, measured) == (Request(1, 0.25), [], 1)


def test_a_fraction_that_does_not_fit_is_refused_with_one_that_does(tmp_path: Path) -> None:
    need = MemoryNeed(MB, 30 * GB, {"width": 512})
    with pytest.raises(
        UserError,
        match=r"puts 4 trials on a GPU of 80GB, and one of rbm needs 30GB with width=512: use --gpus-per-trial 0.5,",
    ):
        packed(tmp_path, need, Node(16.0, 1.0, 200 * GB), gpus_per_trial=0.25)  # fmt: skip
    with pytest.raises(UserError, match=r"use --gpus-per-trial 1,"):
        packed(tmp_path / "1", MemoryNeed(0, 0, ran_out="gpu"), Node(16.0, 1.0, 200 * GB), gpus_per_trial=0.5)


@pytest.mark.parametrize(
    ("need", "cpus", "k"), [(5 * GB, 64, 8), (10 * GB, 64, 7), (30 * GB, 64, 2), (70 * GB, 64, 1), (5 * GB, 3, 3)]
)
def test_auto_packs_as_many_as_fit(tmp_path: Path, need: int, cpus: int, k: int) -> None:
    node = Node(float(cpus), 1.0, 500 * GB)
    request, said, _ = packed(tmp_path, MemoryNeed(MB, need), node, gpus_per_trial="auto")
    assert request == Request(1, gpu_share(k))
    assert said[0].startswith(
        f"memory  ·  rbm: {'1 trial has a GPU to itself' if k == 1 else f'{k} trials share a GPU'}"
    )


def test_auto_without_a_gpu_is_nothing_special(tmp_path: Path) -> None:
    request, said, _ = packed(tmp_path, MemoryNeed(MB), Node(2.0, 0.0, 50 * GB), gpus_per_trial="auto")
    assert (request, said) == (Request(), [])


def test_what_was_not_measured_is_said_and_packed_as_asked(tmp_path: Path) -> None:
    node = Node(16.0, 1.0, 500 * GB)
    request, said, _ = packed(tmp_path, MemoryNeed(0, failed="too slow"), node, gpus_per_trial=0.5)
    assert request == Request(1, 0.5) and said == [
        "memory  ·  rbm was not measured (too slow): it is packed as if it were small"
    ]


def test_a_run_that_needs_more_room_is_held_back_until_there_is(tmp_path: Path) -> None:
    from gibbsweep.tune.resources.devices import Devices

    options = SweepOptions(runs=tmp_path, name="s", budget="smoke")
    sweep, settings = create(STUDY, options, has_gpu=False)
    plan = Plan(STUDY, settings, sweep)
    gate = Gate(plan, StopRequest(sweep))
    gate.devices = devices = Devices({"rbm": Request()}, 1, lambda: [Node(2.0)], trials_folder=sweep.path / "trials")
    first, second = gate.next(), gate.next()
    assert first and second and devices.is_full(gate.in_flight())
    assert devices.give_more(first, "host", "no") is not None
    plan.interrupt(first.name)
    gate.ended(first)
    assert not devices.is_full([]) and gate.next() is None, "it waits for the other to end"
    assert gate.in_flight() == [second]
    plan.interrupt(second.name)
    gate.ended(second)
    again = gate.next()
    assert again is not None and again.name == first.name
    assert gate.next() is None


@pytest.mark.usefixtures("ray_session")
def test_a_task_of_the_cluster_measures(tmp_path: Path) -> None:
    shortages = Shortages(cluster.nodes(), cluster.this_node(), say=print, halt=print)
    (need,) = on_cluster(False, shortages)([Question("wide", None, assignment(WideConfig(16_384), batch_size=512), {})])
    assert need.host >= 2 * 512 * 16_384 * 4 and not need.failed and need.gpu == 0
