"""Two workers train what one worker trains, at equal global batch, under a real TorchTrainer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ray import train as ray_train
from ray.train.torch import TorchTrainer
from tests.contracts.systems import SYSTEMS, TRAINED

from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train import Budget
from gibbsweep.train.checkpoint import read_checkpoint


def assignment(name: str, run_dir: Path) -> Assignment:
    return Assignment(
        name=name,
        contender=name,
        kind="single",
        config=SYSTEMS[name].config,
        seed=0,
        data=SYSTEMS[name].data,
        budget=Budget(updates=4, batch_size=32, report_every=2),
        run_dir=run_dir,
        precision="fp32",
    )


def train_all(config: dict[str, str]) -> None:
    torch.set_num_threads(1)
    for name in TRAINED:
        outcome = run(assignment(name, Path(config["runs"]) / name))
        if outcome.outcome != "completed":
            raise RuntimeError(f"{name}: {outcome.message}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, ray_session: None) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    for workers in (1, 2):
        TorchTrainer(
            train_all,
            train_loop_config={"runs": str(folder / str(workers))},
            scaling_config=ray_train.ScalingConfig(num_workers=workers, resources_per_worker={"CPU": 0.9}),
            run_config=ray_train.RunConfig(name=f"w{workers}", storage_path=str(folder / "ray")),
        ).fit()
    return folder


@pytest.mark.parametrize("name", TRAINED)
def test_two_workers_equal_one(name: str, trained: Path) -> None:
    """Equal up to the rounding of sums taken in another order, which Adam enlarges where a gradient is nearly zero: so
    the difference is held against the distance that training moved. Other noise or other data would make the ratio
    about 1."""
    start = dict(SYSTEMS[name].build().named_parameters())
    _, one = read_checkpoint(trained / "1" / name / "checkpoint")
    _, two = read_checkpoint(trained / "2" / name / "checkpoint")
    assert one.keys() == two.keys()
    apart = sum(float((two[f"model/{key}"] - one[f"model/{key}"]).square().sum()) for key in start) ** 0.5
    moved = sum(float((one[f"model/{key}"] - p.detach()).square().sum()) for key, p in start.items()) ** 0.5
    assert moved > 0
    assert apart < 5e-3 * moved


@pytest.mark.parametrize("name", ["rbm", "rbm_pcd"])
def test_two_workers_equal_one_to_rounding_without_adam(name: str, trained: Path) -> None:
    _, one = read_checkpoint(trained / "1" / name / "checkpoint")
    _, two = read_checkpoint(trained / "2" / name / "checkpoint")
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=1e-4, atol=1e-6, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", ["conv_ebm", "mlp_ebm"])
def test_two_workers_share_one_replay_buffer(name: str, trained: Path) -> None:
    _, one = read_checkpoint(trained / "1" / name / "checkpoint")
    _, two = read_checkpoint(trained / "2" / name / "checkpoint")
    buffers = [key for key in one if key.startswith("objective/")]
    assert buffers
    for key in buffers:
        torch.testing.assert_close(two[key], one[key], rtol=1e-3, atol=1e-4, msg=lambda text, key=key: f"{key}: {text}")
