"""Energies of classes: what the forms compute, and what the joint objective is made of."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gibbsweep_models.baselines.classifier import ClassifierConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.nn.energies.class_energies import ConvConfig, HiddenLabelEnergies, MLPConfig
from gibbsweep_models.nn.energies.prototypes import PrototypeEnergies
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.objectives.composed.every_nth import EveryNth
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec

SHAPE, K = (1, 8, 8), 3
SPEC = DataSpec(SHAPE, n_classes=K)
X = torch.rand(8, *SHAPE, generator=seeded(0)) * 2 - 1
Y = torch.arange(8) % K


def test_prototypes_are_mixtures_of_gaussians() -> None:
    """With K·M Gaussians of one precision, written out."""
    torch.manual_seed(0)
    energies = PrototypeEnergies((5,), K, n_prototypes=2, rank=3).double()
    torch.nn.init.normal_(energies.bias)
    x = torch.randn(6, 5, generator=seeded(1), dtype=torch.float64)
    precision = torch.diag((2 * energies.log_scale).exp()) + energies.projection @ energies.projection.T
    difference = x[:, None] - energies.prototypes
    exponent = -0.5 * torch.einsum("bmi,ij,bmj->bm", difference, precision, difference).view(6, K, 2)
    torch.testing.assert_close(energies(x), -torch.logsumexp(exponent + energies.bias, dim=2))


def test_one_prototype_a_class_makes_logits_linear() -> None:
    torch.manual_seed(0)
    energies = PrototypeEnergies((5,), K, n_prototypes=1, rank=3).double()
    a, b = torch.randn(2, 5, generator=seeded(1), dtype=torch.float64)
    ends, middle = torch.log_softmax(-energies(torch.stack([a, b])), 1), -energies((a + b)[None] / 2)
    between = ends.mean(dim=0)
    torch.testing.assert_close(middle[0] - middle[0, 0], between - between[0])


def test_a_label_in_softplus_units_is_an_rbm_s_free_energy() -> None:
    """With w = -1 and a linear trunk: Σ_j -softplus(a_j + u_yj) - d_y."""
    torch.manual_seed(0)
    trunk = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    energies = HiddenLabelEnergies(SHAPE, trunk, 4, K, "softplus")
    with torch.no_grad():
        energies.readout.weight.fill_(-1.0)
        energies.bias.normal_()
    a = trunk(X)
    expected = torch.stack([-F.softplus(a + energies.label[y]).sum(dim=1) - energies.bias[y] for y in range(K)], dim=1)
    torch.testing.assert_close(energies(X), expected)


def test_a_classifier_has_the_parameters_of_its_energy() -> None:
    for form in (ConvConfig((4, 8)), MLPConfig((16,))):
        torch.manual_seed(0)
        energy = ClassEnergyConfig(form).build(SPEC)
        torch.manual_seed(0)
        classifier = ClassifierConfig(form).build(SPEC)
        assert torch.equal(energy.logits(X), classifier.logits(X))


def test_the_gradient_is_that_of_the_joint_likelihood() -> None:
    """Of -log p(y | x) - log p(x) with the chains' ends as samples: E(x, y) - E(x_neg), for a weight of 1."""
    config = ClassEnergyConfig(
        ConvConfig((4, 8)), cd_every=1, cd=LangevinCD(2, persistent=False, l2=0.0, data_noise=0.0)
    )
    torch.manual_seed(0)
    system = config.build(SPEC)
    (phase,) = system.phases()
    loss = phase.objective(system, {"x": X, "y": Y}, generator=seeded(0))
    x_neg = config.cd.sampler()(system.energy, X, generator=seeded(0)).x
    expected = system.energy(X, Y).mean() - system.energy(x_neg).mean()
    torch.testing.assert_close(loss.total, expected)


def test_noise_is_added_and_kept_in_the_data_s_range() -> None:
    seen = []

    class Recorder:
        def logits(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x.flatten(1)[:, :K]

    CrossEntropy(0.5, (-1.0, 1.0))(Recorder(), {"x": X, "y": Y}, generator=seeded(0))
    assert not torch.equal(seen[0], X)
    assert (float(seen[0].min()), float(seen[0].max())) == (-1.0, 1.0)


def test_every_nth_is_the_objective_on_those_examples() -> None:
    torch.manual_seed(0)
    system = ClassEnergyConfig(MLPConfig((8,))).build(SPEC)
    objective = ContrastiveDivergence(Langevin(2, 0.1))
    part = EveryNth(objective, 4)(system, {"x": X, "y": Y}, generator=seeded(0))
    alone = objective(system, {"x": X[[0, 4]]}, generator=seeded(0))
    torch.testing.assert_close(part.total, alone.total)
    with pytest.raises(ValueError, match="multiple of n"):
        EveryNth(objective, 3)(system, {"x": X, "y": Y}, generator=seeded(0))


def test_logistic_regression_s_logits_are_scikit_learn_s_probabilities() -> None:
    from sklearn.linear_model import LogisticRegression

    x = torch.randn(60, *SHAPE, generator=seeded(1)).clamp(-1, 1)
    for n_classes in (2, 3):
        y = torch.arange(60) % n_classes
        system = LogisticRegressionConfig(c=0.5).build(DataSpec(SHAPE, n_classes=n_classes))
        system.fit({"x": x, "y": y}, generator=seeded(0))
        pixels = ((x.flatten(1) + 1) / 2).numpy()
        expected = LogisticRegression(C=0.5, max_iter=200).fit(pixels, y.numpy()).predict_proba(pixels)
        torch.testing.assert_close(
            torch.softmax(system.logits(x), dim=1), torch.as_tensor(expected).float(), rtol=1e-4, atol=1e-6
        )


def test_data_without_labels_is_refused_by_every_classifier() -> None:
    for config in (ClassEnergyConfig(), ClassifierConfig(), LogisticRegressionConfig()):
        with pytest.raises(ValueError, match="choose a labelled data set"):
            config.build(DataSpec(SHAPE))
    with pytest.raises(ValueError, match="choose a labelled data set"):
        CrossEntropy()(ClassifierConfig().build(SPEC), {"x": X}, generator=seeded(0))
