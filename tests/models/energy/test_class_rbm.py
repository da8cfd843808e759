"""The classification RBM against the enumeration of all its states."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import bernoulli, seeded
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.samplers.mcmc.class_gibbs import ClassGibbs

V, H, K = 4, 3, 3


def machine() -> ClassRBM:
    torch.manual_seed(0)
    rbm = ClassRBM(V, H, K, initial_weight_scale=0.8)
    for bias in (rbm.visible_bias, rbm.hidden_bias, rbm.label_bias):
        nn.init.normal_(bias)
    return rbm.double()


def states(n: int) -> Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)), dtype=torch.float64)


def enumerated_free_energies(rbm: ClassRBM, v: Tensor) -> Tensor:
    """-log Σ_h exp(-E(v, y, h)) by adding up all h: (B, V) -> (B, K)."""
    h = states(H)
    energies = torch.empty(len(v), K, len(h), dtype=v.dtype)
    for i, y in itertools.product(range(len(v)), range(K)):
        energies[i, y] = rbm.joint_energy(v[i].expand(len(h), V), torch.full((len(h),), y), h)
    return -torch.logsumexp(-energies, dim=2)


def test_free_energies_are_the_enumeration_of_hidden_units() -> None:
    rbm, v = machine(), states(V)
    torch.testing.assert_close(rbm.free_energies(v), enumerated_free_energies(rbm, v))


def test_the_probability_of_a_class_is_that_of_the_joint_distribution() -> None:
    rbm, v = machine(), states(V)
    joint = torch.softmax(-enumerated_free_energies(rbm, v).flatten(), dim=0).view(len(v), K)
    torch.testing.assert_close(torch.softmax(rbm.logits(v), dim=1), joint / joint.sum(dim=1, keepdim=True))
    torch.testing.assert_close(torch.softmax(-rbm(v), dim=0), joint.sum(dim=1))


def test_labels_are_drawn_with_their_probabilities() -> None:
    rbm = machine()
    v = states(V)[5].expand(40_000, V)
    shares = torch.bincount(rbm.sample_label(v, generator=seeded(0)), minlength=K) / len(v)
    expected = torch.softmax(rbm.logits(v[:1]), dim=1)[0]
    standard_error = (expected * (1 - expected) / len(v)).sqrt()
    assert ((shares - expected).abs() < 4 * standard_error).all()


def test_the_chain_leaves_its_distribution_alone() -> None:
    rbm, v, n = machine(), states(V), 40_000
    p = torch.softmax(-rbm(v), dim=0)
    start = v[torch.multinomial(p, n, replacement=True, generator=seeded(1))]
    end = ClassGibbs(3)(rbm, start, generator=seeded(2)).x
    place = (end * torch.tensor([8.0, 4.0, 2.0, 1.0])).sum(dim=1).long()
    shares = torch.bincount(place, minlength=len(v)) / n
    assert ((shares - p).abs() < 4 * (p * (1 - p) / n).sqrt()).all()


def test_held_classes_give_the_distribution_of_that_class() -> None:
    rbm, v, n = machine(), states(V), 40_000
    p = torch.softmax(-rbm.free_energies(v)[:, 2], dim=0)
    start = bernoulli(torch.full((n, V), 0.5, dtype=torch.float64), generator=seeded(3))
    end = ClassGibbs(60)(rbm, start, cond=torch.full((n,), 2), generator=seeded(4)).x
    place = (end * torch.tensor([8.0, 4.0, 2.0, 1.0])).sum(dim=1).long()
    shares = torch.bincount(place, minlength=len(v)) / n
    assert ((shares - p).abs() < 4 * (p * (1 - p) / n).sqrt()).all()
