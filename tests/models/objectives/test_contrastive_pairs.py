"""InfoNCE and the energies of pairs, held to their formulas."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.pair_ebm import PairEBMConfig
from gibbsweep_models.nn.encoders.towers import PairForm, PairNet, TextTower
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.classification.info_nce import InfoNCE, nt_xent, partner_accuracy
from gibbsweep_models.objectives.classification.pairs import CLIPLoss, JointCD, PairModel
from gibbsweep_models.objectives.classification.two_view_energy import marginal_energy
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec

SPEC = DataSpec((1, 8, 8), vocabulary_size=9, text_length=3)
CD = ContrastiveDivergence(Langevin(2, 0.1), condition="text")


def unit(n: int, seed: int) -> Tensor:
    return F.normalize(randn((n, 5), generator=seeded(seed)), dim=1)


def test_nt_xent_is_equation_1_of_simclr() -> None:
    first, second, temperature = unit(4, 0), unit(4, 1), 0.3
    z = torch.cat([first, second])
    terms = []
    for i in range(8):
        similarity = [math.exp(float(z[i] @ z[k]) / temperature) for k in range(8)]
        partner = (i + 4) % 8
        terms.append(-math.log(similarity[partner] / (sum(similarity) - similarity[i])))
    assert float(nt_xent(first, second, temperature)) == pytest.approx(sum(terms) / 8, rel=1e-5)


def test_a_batch_of_one_has_nothing_to_tell_apart() -> None:
    with pytest.raises(ValueError, match="a batch of one example"):
        nt_xent(unit(1, 0), unit(1, 1), 0.3)
    system = PairEBMConfig(channels=(4, 8)).build(SPEC)
    batch = {"x": randn((1, 1, 8, 8), generator=seeded(0)), "text": torch.ones(1, 3, dtype=torch.long)}
    with pytest.raises(ValueError, match="a batch of one pair"):
        CLIPLoss()(system, batch, generator=seeded(0))


def test_equal_pairs_are_all_found_and_a_shift_finds_none() -> None:
    z = unit(6, 0)
    assert partner_accuracy(z, z) == 1
    assert partner_accuracy(z, z.roll(1, dims=0)) == 0


def test_the_marginal_energy_of_one_key_is_the_joint_energy() -> None:
    z, key = unit(3, 0), unit(1, 1)
    torch.testing.assert_close(marginal_energy(z, key, 0.2), (z - key).square().sum(dim=1) / 0.4)


def test_the_marginal_energy_is_minus_the_log_of_a_mean() -> None:
    z, keys = unit(3, 0), unit(7, 1)
    density = torch.exp(-(z[:, None] - keys[None]).square().sum(dim=2) / 0.4).mean(dim=1)
    torch.testing.assert_close(marginal_energy(z, keys, 0.2), -density.log())


def pairs(texts: list[list[int]]) -> dict[str, Tensor]:
    return {"x": randn((len(texts), 1, 8, 8), generator=seeded(2)).clamp(-1, 1), "text": torch.tensor(texts)}


def gradient(objective: nn.Module, batch: dict[str, Tensor], form: PairForm = "mlp") -> Tensor:
    torch.manual_seed(0)
    system: PairModel = PairEBMConfig(form, (8, 8), 8, 8).build(SPEC)
    assert isinstance(system, nn.Module)
    torch.autograd.backward(objective(system, batch, generator=seeded(0)).total)
    return torch.cat([p.grad.flatten() for p in system.parameters() if p.grad is not None])


@pytest.mark.parametrize("form", ["cosine", "mlp"])
def test_gibbs_half_steps_over_different_captions_have_clip_s_gradient(form: PairForm) -> None:
    batch = pairs([[2, 3, 0], [4, 0, 0], [5, 6, 0], [7, 8, 2]])
    torch.testing.assert_close(gradient(JointCD(CD, 0.0), batch, form), gradient(CLIPLoss(), batch, form))


def test_one_caption_for_all_leaves_the_captions_nothing_to_learn() -> None:
    """p(caption | picture) is 1 whatever the energy; p(picture | caption) of the data is uniform."""
    batch = pairs([[2, 3, 0]] * 4)
    batch["x"] = batch["x"][:1].expand(4, -1, -1, -1)
    assert gradient(JointCD(CD, 0.0), batch).abs().max() < 1e-5
    assert gradient(CLIPLoss(), batch).abs().max() < 1e-5


def test_chains_from_data_are_given_the_condition_of_others() -> None:
    seen: list[Tensor] = []

    def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
        assert cond is not None
        seen.append(cond.detach())
        return x.flatten(1).square().sum(dim=1) * cond[:, 0]

    batch = {"x": torch.ones(4, 2), "text": torch.arange(4)[:, None]}
    CD(energy, batch, generator=seeded(0))
    chains, both = seen[0], seen[-1]
    assert sorted(chains[:, 0].tolist()) == [0, 1, 2, 3]
    assert not (chains == batch["text"]).any()
    assert torch.equal(both, torch.cat([batch["text"], chains]))


def test_padding_says_nothing() -> None:
    torch.manual_seed(0)
    tower = TextTower(9, 8, 5)
    words = torch.tensor([[3, 4]])
    torch.testing.assert_close(tower(F.pad(words, (0, 3))), tower(F.pad(words, (0, 1))))
    assert not torch.allclose(tower(words), tower(words.flip(1))), "the order of words is heard"
    assert torch.isfinite(tower(torch.zeros(2, 4, dtype=torch.int64))).all()


def test_the_cosine_form_is_a_scaled_cosine() -> None:
    net = PairNet(SPEC, (8, 8), 8, 5, "cosine", 0.2)
    f, g = unit(4, 0), unit(4, 1)
    torch.testing.assert_close(net.pair_energy(f, g), -F.cosine_similarity(f, g) / 0.2)
    assert net.pair_energy(f[:, None], g[None]).shape == (4, 4)


def test_pairs_without_captions_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one with captions"):
        PairEBMConfig().build(DataSpec((1, 8, 8)))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_is_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        InfoNCE(temperature)
