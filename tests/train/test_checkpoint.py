"""A checkpoint is whole, or refused with a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.patience import wait_until
from tests.train.fitting import fit

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.train.checkpoint import load_weights, read_checkpoint, read_progress
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD


def tensors_of(run_dir: Path) -> Path:
    (file,) = (run_dir / "checkpoint").glob("step-*.safetensors")
    return file


def reached(run_dir: Path, step: int) -> bool:
    return read_progress(run_dir / "checkpoint").step >= step


def truncate(run_dir: Path) -> None:
    file = tensors_of(run_dir)
    file.write_bytes(file.read_bytes()[:-7])


def flip_a_bit(run_dir: Path) -> None:
    file = tensors_of(run_dir)
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(bytes(content))


def cut_the_json(run_dir: Path) -> None:
    file = run_dir / "checkpoint" / "state.json"
    file.write_text(file.read_text()[:50])


def lose_the_tensors(run_dir: Path) -> None:
    tensors_of(run_dir).unlink()


def come_from_the_future(run_dir: Path) -> None:
    file = run_dir / "checkpoint" / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, cut_the_json, lose_the_tensors, come_from_the_future])
def test_a_damaged_checkpoint_is_refused_and_left_alone(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    fit(tmp_path)
    damage(tmp_path)
    before = {p.name: p.read_bytes() for p in (tmp_path / "checkpoint").iterdir()}
    with pytest.raises(UserError, match="checkpoint") as caught:
        fit(tmp_path, updates=8)
    assert "\n" not in str(caught.value)
    assert {p.name: p.read_bytes() for p in (tmp_path / "checkpoint").iterdir()} == before


def test_a_checkpoint_of_another_system_is_refused(tmp_path: Path) -> None:
    fit(tmp_path)
    with pytest.raises(UserError, match="another system or configuration"):
        fit(tmp_path, VAEConfig(), updates=8)


def test_only_the_newest_tensors_are_kept_and_nothing_is_pickled(tmp_path: Path) -> None:
    fit(tmp_path, updates=8)
    assert sorted(p.name for p in (tmp_path / "checkpoint").iterdir()) == ["state.json", "step-00000008.safetensors"]
    state, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert state["step"] == 8
    assert any(name.startswith("objective/") for name in tensors), "persistent chains are part of the state"


def test_weights_load_into_a_fresh_system(tmp_path: Path) -> None:
    trained = fit(tmp_path)
    fresh = RBMConfig(n_hidden=8, persistent=True).build(load("digits", units="binary").spec)
    assert load_weights(tmp_path / "checkpoint", fresh) == 4
    for (name, a), (_, b) in zip(trained.state_dict().items(), fresh.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.cluster
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    """SIGKILL a writer that saves without pause, several times; what is left always verifies."""
    script = (
        "import sys; from pathlib import Path; from tests.train.fitting import fit\n"
        "for updates in range(int(sys.argv[2]), 100_000, 2): fit(Path(sys.argv[1]), updates=updates)"
    )
    root = Path(__file__).resolve().parents[2]
    for attempt in range(4):
        before = read_progress(tmp_path / "checkpoint").step
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(before + 2)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": f"{root}:{root / 'platform'}:{root / 'models'}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        saved = partial(reached, tmp_path, before + 2 + 10 * attempt)
        wait_until(lambda writer=writer, saved=saved: writer.poll() is not None or saved())
        time.sleep(0.0037 * attempt)
        assert writer.poll() is None, "it refused to go on"
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        state, tensors = read_checkpoint(tmp_path / "checkpoint")
        assert state["step"] >= before + 2
        assert tensors


def test_a_buffer_that_system_and_objective_share_is_saved_once(tmp_path: Path) -> None:
    config = ConvEBMConfig(channels=(4, 4), cd=LangevinCD(n_steps=2, replay_size=40))
    system = fit(tmp_path, config)
    state, tensors = read_checkpoint(tmp_path / "checkpoint")
    assert state["aliases"]["objective/energy/replay.chains"] == "model/replay.chains"
    saved = load_file(tensors_of(tmp_path))
    assert "objective/energy/replay.chains" not in saved
    assert torch.equal(tensors["objective/energy/replay.chains"], saved["model/replay.chains"])
    fresh = config.build(load("digits").spec)
    load_weights(tmp_path / "checkpoint", fresh)
    assert torch.equal(fresh.replayed(40, generator=seeded(0)), system.replayed(40, generator=seeded(0)))
