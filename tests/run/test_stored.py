"""A network that a run has trained, as the model of another study."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.tiny import RBM

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.run.stored import config_classes, stored_run
from gibbsweep.study.space import flatten, with_values
from gibbsweep.train import Budget
from gibbsweep.train.checkpoint import load_weights
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.noise.vp import SubVPSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.score.trained_score import TrainedScoreConfig

NETWORK = ScoreModelConfig(
    UNetConfig((4, 4)), VPSchedule(t_min=1e-4), "eps", "sigma2", Ancestral(3, VPSchedule(t_min=1e-3)), ema_decay=0.5
)


def train(run_dir: Path, config: ScoreModelConfig = NETWORK) -> Path:
    outcome = run(Assignment("r", "score", "single", config, 0, "digits", Budget(3, 16, 3), run_dir, precision="fp32"))
    assert outcome.kind == "completed"
    return run_dir


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("trained") / "r")


@pytest.mark.parametrize("schedule", [VPSchedule(t_min=1e-4), SubVPSchedule(t_min=1e-4)])
def test_a_run_s_record_says_all_of_its_configuration(tmp_path: Path, schedule: VPSchedule | SubVPSchedule) -> None:
    """Two schedules of the same fields are told apart by their class."""
    config = replace(NETWORK, schedule=schedule, sampler=Ancestral(3, schedule))
    found = stored_run(train(tmp_path / "r", config))
    assert found.config == config and type(found.config.schedule) is type(schedule)  # type: ignore[attr-defined]
    assert (found.data, found.shape, found.step) == ("digits", (1, 8, 8), 3)
    assert stored_run(tmp_path / "r" / "checkpoint") == found


def test_the_stored_score_is_the_averaged_network_s(trained: Path) -> None:
    spec = load("digits").spec
    system = NETWORK.build(spec)
    load_weights(trained / "checkpoint", system)
    stored = stored_run(trained)
    config = TrainedScoreConfig(
        stored.config, stored.weights, DenoiserSamplerConfig("ancestral", 5, sigma_min=0.01, sigma_max=80.0)
    )
    again = config.build(spec)
    x, sigma = randn((4, 1, 8, 8), generator=seeded(0)), torch.tensor([0.1, 1.0, 5.0, 50.0])
    assert torch.equal(again.denoise(x, sigma, generator=seeded(0)), system.denoise(x, sigma, generator=seeded(0)))
    assert again.phases() == []
    first, second = (again.sample(3, generator=seeded(1)) for _ in range(2))
    assert torch.equal(first.x, second.x) and first.nfe == 5
    assert flatten(config)["weights.sha256"] == stored.weights.sha256, "a changed file is another configuration"


def test_weights_that_changed_or_are_gone_are_refused(tmp_path: Path) -> None:
    stored = stored_run(train(tmp_path / "r"))
    spec, file = load("digits").spec, Path(stored.weights.path)
    config = TrainedScoreConfig(stored.config, stored.weights)
    with pytest.raises(ValueError, match="are of another ScoreModelSystem"):
        with_values(config, {"trained.network.channels": (4, 8)}).build(spec)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="expected .*; they have changed since they were chosen"):
        config.build(spec)
    file.unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        config.build(spec)
    with pytest.raises(UserError, match="cannot be read"):
        stored_run(tmp_path / "r")


def test_what_is_no_stored_run_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run: expected a folder with config.json"):
        stored_run(tmp_path)
    record = json.loads((trained / "config.json").read_text())

    def with_record(**changes: object) -> Path:
        (tmp_path / "config.json").write_text(json.dumps(record | changes))
        (tmp_path / "checkpoint").mkdir(exist_ok=True)
        for file in (trained / "checkpoint").iterdir():
            (tmp_path / "checkpoint" / file.name).write_bytes(file.read_bytes())
        return tmp_path

    del record["classes"]
    with pytest.raises(UserError, match="of an earlier version; train it again"):
        stored_run(with_record())
    with pytest.raises(UserError, match="subprocess:Popen is no class of gibbsweep_models"):
        stored_run(with_record(classes={"": "subprocess:Popen"}))
    with pytest.raises(UserError, match="has no breadth any more"):
        stored_run(with_record(classes=config_classes(NETWORK), params={**flatten(NETWORK), "network.breadth": 3}))
    with pytest.raises(TypeError, match="expected a system with a denoiser"):
        TrainedScoreConfig(RBM, stored_run(trained).weights).build(load("digits", units="binary").spec)


def noise_schedules() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "sweeps" / "noise_schedules.py"
    spec = importlib.util.spec_from_file_location("stored_noise_schedules", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_noise_schedules_sweeps_the_samplers_of_a_run_without_training(trained: Path, tmp_path: Path) -> None:
    script = noise_schedules()
    study = script.study(script.Options(model=str(trained)))
    assert study.data == "digits" and "langevin" not in study.contenders
    for name in study.contenders:
        contender = study.contenders[name]
        for option in contender.options():
            with_values(contender.config, contender.compared(option)).build(load("digits").spec)
    heun = study.at("smoke")["heun"]
    outcome = run(
        Assignment(
            "heun", "heun", "retrain", with_values(heun.config, {"sampling.nfe": 20}), 1, "digits",
            study.budgets["smoke"], tmp_path / "heun", evaluators=heun.evaluators,
            final_evaluators=heun.final_evaluators, goals=heun.goals,
        )
    )  # fmt: skip
    assert outcome.kind == "completed"
    assert outcome.metrics["test/sampling_nfe"] == 19 and outcome.metrics["validation/frechet_distance"] > 0
