"""Two workers train what one worker trains, at equal global batch, under a real TorchTrainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ray import train as ray_train
from ray.train.torch import TorchTrainer
from tests.contracts.systems import SYSTEMS, TRAINED
from tests.contracts.training import BUDGET, Training

from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train.checkpoint import read_checkpoint


def train_all(config: dict[str, str]) -> None:
    torch.set_num_threads(1)
    for name in TRAINED:
        case = SYSTEMS[name]
        outcome = run(
            Assignment(
                name=name,
                contender=name,
                kind="single",
                config=case.config,
                seed=0,
                data=case.data,
                budget=BUDGET,
                run_dir=Path(config["runs"]) / name,
                precision="fp32",
            )
        )
        if outcome.kind != "completed":
            raise RuntimeError(f"{name}: {outcome.message}")


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory, ray_session: None) -> Path:
    """The folder of the runs of all systems that two workers have trained."""
    folder = tmp_path_factory.mktemp("workers")
    TorchTrainer(
        train_all,
        train_loop_config={"runs": str(folder)},
        scaling_config=ray_train.ScalingConfig(num_workers=2, resources_per_worker={"CPU": 0.9}),
        run_config=ray_train.RunConfig(name="two", storage_path=str(folder / "ray")),
    ).fit()
    return folder


Tensors = dict[str, torch.Tensor]
Checkpoints = Callable[[str], tuple[Tensors, Tensors]]


@pytest.fixture
def of_one_and_of_two(trained: Callable[[str], Training], by_two: Path) -> Checkpoints:
    """The checkpoints of a system that one worker and that two workers have trained."""

    def read(name: str) -> tuple[Tensors, Tensors]:
        one, two = (read_checkpoint(folder / "checkpoint")[1] for folder in (trained(name).run_dir, by_two / name))
        return one, two

    return read


@pytest.mark.parametrize("name", TRAINED)
def test_two_workers_equal_one(name: str, of_one_and_of_two: Checkpoints) -> None:
    """Equal up to the rounding of sums taken in another order, which Adam enlarges where a gradient is nearly zero: so
    the difference is held against the distance that training moved. Other noise or other data would make the ratio
    about 1."""
    start = dict(SYSTEMS[name].build().named_parameters())
    one, two = of_one_and_of_two(name)
    assert one.keys() == two.keys()
    apart = sum(float((two[f"model/{key}"] - one[f"model/{key}"]).square().sum()) for key in start) ** 0.5
    moved = sum(float((one[f"model/{key}"] - p.detach()).square().sum()) for key, p in start.items()) ** 0.5
    assert moved > 0
    assert apart < 5e-3 * moved


@pytest.mark.parametrize("name", ["rbm", "rbm_pcd"])
def test_two_workers_equal_one_to_rounding_without_adam(name: str, of_one_and_of_two: Checkpoints) -> None:
    one, two = of_one_and_of_two(name)
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=1e-4, atol=1e-6, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", ["conv_ebm", "mlp_ebm"])
def test_two_workers_share_one_replay_buffer(name: str, of_one_and_of_two: Checkpoints) -> None:
    one, two = of_one_and_of_two(name)
    buffers = [key for key in one if key.startswith("objective/")]
    assert buffers
    for key in buffers:
        torch.testing.assert_close(two[key], one[key], rtol=1e-3, atol=1e-4, msg=lambda text, key=key: f"{key}: {text}")
