"""A loaded run samples, scores, denoises and fills holes as its system does, and says what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tiny import MeanConfig
from tests.use.trained import KINDS

import gibbsweep as gs
from gibbsweep.errors import UserError
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.load import load_run
from gibbsweep.run.run import run
from gibbsweep.train import Budget
from gibbsweep_models.draws import seeded

Kinds = Callable[[str], Path]


@pytest.mark.parametrize("name", ["rbm", "score", "gan", "ring", "solids", "sounds"])
def test_samples_are_a_function_of_the_seed_and_those_of_the_system(name: str, kinds: Kinds) -> None:
    model = gs.load(kinds(name))
    first, again, other = model.sample(5, seed=1).x, model.sample(5, seed=1).x, model.sample(5, seed=2).x
    assert first.shape == (5, *model.spec.shape)
    assert torch.equal(first, again) and not torch.equal(first, other)
    with torch.no_grad():
        assert torch.equal(first, load_run(kinds(name)).system.sample(5, generator=seeded(1)).x)
    assert not model.system.training


def test_classes_are_chosen_by_number_and_name_and_come_in_turn(kinds: Kinds) -> None:
    model = gs.load(kinds("conditional"))
    with torch.no_grad():
        asked = model.system.sample_classes(torch.tensor([2, 0, 2, 0]), generator=seeded(3)).x
        guided = model.system.sample_guided(torch.tensor([2, 0, 2, 0]), 4.0, generator=seeded(3)).x
    assert torch.equal(model.sample(4, seed=3, classes=["toy", 0]).x, asked)
    assert torch.equal(model.sample(4, seed=3, classes=(2, "kite"), guidance=4.0).x, guided)
    assert torch.equal(model.sample(3, classes=1).x, model.sample(3, classes="door").x)
    with pytest.raises(UserError, match="no class '7': use a number from 0 to 2, or one of kite, door, toy"):
        model.sample(1, classes=7)
    with pytest.raises(UserError, match="cannot sample classes: it can sample"):
        gs.load(kinds("score")).sample(1, classes="kite")
    with pytest.raises(UserError, match="cannot sample with guidance"):
        gs.load(kinds("sounds")).sample(1, classes=0, guidance=2.0)


def test_another_number_of_steps_is_that_of_the_sampler(kinds: Kinds) -> None:
    model = gs.load(kinds("score"))
    with torch.no_grad():
        expected = model.system.sample_in(4, 7, generator=seeded(0)).x
    assert torch.equal(model.sample(4, steps=7).x, expected)
    rbm = gs.load(kinds("rbm"))
    longer = rbm.sample(4, steps=40)
    assert (longer.nfe, rbm.sample(4).nfe) == (80, 10)
    with pytest.raises(UserError, match="cannot sample in a number of steps"):
        gs.load(kinds("gan")).sample(1, steps=3)


def test_captions_are_drawn(kinds: Kinds) -> None:
    model = gs.load(kinds("clip"))
    if "draw captions" in model.can:
        assert model.sample(2, captions="a red kite").x.shape == (2, 1, 8, 8)
    with pytest.raises(UserError, match="cannot draw captions"):
        gs.load(kinds("rbm")).sample(1, captions="a kite")


def test_scores_are_those_of_the_system(kinds: Kinds) -> None:
    for name in ("rbm", "forest", "score"):
        model = gs.load(kinds(name))
        x = torch.rand(7, *model.spec.shape).round()
        with torch.no_grad():
            expected = model.system.anomaly_score(x, generator=seeded(2))
        assert torch.equal(model.score(x, seed=2), expected)
    rbm = gs.load(kinds("rbm"))
    assert torch.equal(rbm.score(x, by="energy"), rbm.system.energy(x).detach())
    with pytest.raises(UserError, match="cannot score examples by energy: it scores by anomaly"):
        gs.load(kinds("forest")).score(x, by="energy")
    with pytest.raises(UserError, match="cannot score examples: it can sample"):
        gs.load(kinds("gan")).score(x)


def test_denoised_and_filled_examples_are_those_of_the_system(kinds: Kinds) -> None:
    score, filler = gs.load(kinds("score")), gs.load(kinds("filler"))
    x = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        expected = score.system.denoise(x, torch.full((3,), 0.25), generator=seeded(0))
    assert torch.equal(score.denoise(x, 0.25), expected)
    known = torch.ones(8, 8, dtype=torch.bool)
    known[:, :4] = False
    filled = filler.inpaint(x, known)
    assert torch.equal(filled[..., 4:], x[..., 4:]) and not torch.equal(filled[..., :4], x[..., :4])
    hidden = x.clone()
    hidden[..., :4] = -1.0
    assert torch.equal(filler.inpaint(hidden, known), filled), "what is in the hole is not read"
    for refused, said in (
        (known.float(), "a mask is bool"),
        (known[:3], "broadcast"),
        (known | True, "nothing to fill"),
    ):
        with pytest.raises(UserError, match=said):
            filler.inpaint(x, refused)
    with pytest.raises(UserError, match="must be told the noise level"):
        score.denoise(x)
    with pytest.raises(UserError, match="cannot denoise"):
        filler.denoise(x, 0.1)


def test_values_in_other_units_are_refused_with_what_to_do(kinds: Kinds) -> None:
    score, rbm, sounds = gs.load(kinds("score")), gs.load(kinds("rbm")), gs.load(kinds("sounds"))
    bytes_ = torch.arange(64.0).reshape(1, 1, 8, 8) * 4
    for model, x, said in (
        (score, bytes_, r"values from 0 to 252: expected \[-1, 1\].*x / 127.5 - 1"),
        (score, bytes_.byte(), "holds uint8"),
        (score, torch.zeros(1, 1, 9, 9), r"shape \(1, 1, 9, 9\): expected examples \(N, 1, 8, 8\)"),
        (score, torch.full((1, 1, 8, 8), torch.nan), "not finite"),
        (rbm, -torch.ones(1, 1, 8, 8), r"values from -1 to -1: expected \[0, 1\].*x >= 128"),
    ):
        with pytest.raises(UserError, match=said):
            model.score(x)
    with pytest.raises(UserError, match="divide 16-bit samples by 32768"):
        sounds.denoise(torch.full((1, 1, 256), 1000.0), 0.1)
    assert score.denoise(torch.full((1, 1, 8, 8), 1.5), 0.25).shape == (1, 1, 8, 8), "noise may leave the range"
    assert gs.load(kinds("ring")).score(torch.full((1, 2), 9.0)).shape == (1,), "vectors have no range"
    assert score.score(bytes_[0] / 127.5 - 1).shape == (1,), "one example is a batch of one"


def test_a_run_that_cannot_be_loaded_is_explained(tmp_path: Path, kinds: Kinds) -> None:
    with pytest.raises(UserError, match="there is no run"):
        gs.load(tmp_path / "nowhere")
    half = tmp_path / "s" / "trials" / "rbm-0000"
    half.mkdir(parents=True)
    with pytest.raises(UserError, match="has no config.json: the run has not begun"):
        gs.load(half)
    (half / "config.json").write_text((kinds("rbm") / "config.json").read_text())
    with pytest.raises(UserError, match="has saved no weights yet"):
        gs.load(half)
    (half / "config.json").write_text("{")
    (half / "checkpoint").mkdir()
    with pytest.raises(UserError, match="is not JSON"):
        gs.load(half)
    with pytest.raises(UserError, match="device 'cuda:77' cannot be used"):
        gs.load(kinds("rbm"), device="cuda:77")


def test_classes_of_ones_own_come_from_the_script_that_names_them(tmp_path: Path) -> None:
    path = tmp_path / "t" / "trials" / "mean"
    run(Assignment("mean", "mean", "single", MeanConfig(), 0, "digits", Budget(2, 8, 2), path))
    with pytest.raises(UserError, match="class tests.tiny:MeanConfig, .*: name the study's script .*--study"):
        gs.load(path)
    assert gs.load(path, own=(MeanConfig,)).spec.shape == (1, 8, 8)
    script = Path(__file__).resolve().parents[1] / "tiny.py"
    record = path / "config.json"
    record.write_text(record.read_text().replace("tests.tiny:", "__main__:"))  # as `python tests/tiny.py` records it
    assert type(gs.load(path, study=script).config).__name__ == "MeanConfig"


def test_what_it_can_do_is_said_in_words(kinds: Kinds) -> None:
    assert gs.load(kinds("forest")).can == ("score anomalies",)
    assert {"sample", "sample classes", "sample with guidance", "denoise"} <= set(gs.load(kinds("conditional")).can)
    assert not {"sample classes", "sample with guidance"} & set(gs.load(kinds("score")).can)
    assert "sample classes" not in gs.load(kinds("gan")).can
    assert "classify" in gs.load(kinds("classifier")).can
    assert replace(gs.load(kinds("rbm")), path=Path("x")).metrics == {}
    assert set(KINDS) >= {"rbm", "forest"}
