import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.likelihood.exact import binary_states
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.objectives.cd.rbm_cd import RBMContrastiveDivergence
from gibbsweep_models.objectives.cd.rbm_gradient import ContrastiveFactors, FreeEnergyPhase, contrastive_gradient
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs
from gibbsweep_models.types import DataSpec


def machine(n_visible: int, n_hidden: int, *, centred: bool, scale: float = 0.5) -> RBM:
    torch.manual_seed(2)
    rbm = RBM(n_visible, n_hidden, centred=centred, initial_weight_scale=scale)
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
        if centred:
            rbm.visible_offset.uniform_()
            rbm.hidden_offset.uniform_()
    return rbm


def data(n: int, n_visible: int) -> Tensor:
    return (torch.rand(n, n_visible, generator=torch.Generator().manual_seed(4)) < 0.4).float()


def gradients(rbm: RBM, total: Tensor, *, retain_graph: bool = False) -> list[Tensor]:
    return list(torch.autograd.grad(total, list(rbm.parameters()), retain_graph=retain_graph))


def phase_of(rbm: RBM, v: Tensor) -> FreeEnergyPhase:
    form = rbm.normal_form()
    return FreeEnergyPhase.of(v, form.hidden_logits(v))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_gradient_is_that_of_the_free_energies(centred: bool, k: int) -> None:
    rbm, x = machine(9, 6, centred=centred), data(150, 9)
    objective = RBMContrastiveDivergence(9, k=k, weight_decay=0.3, offset_rate=0.0)
    loss = objective(rbm, {"x": x.view(-1, 3, 3)}, generator=seeded(0))
    x_neg = BlockGibbs(k)(rbm, x, generator=seeded(0)).x
    total = rbm(x).mean() - rbm(x_neg).mean() + 0.15 * rbm.weight.square().sum()
    torch.testing.assert_close(loss.total, total, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        loss.parts["energy_gap"], (rbm(x).mean() - rbm(x_neg).mean()).detach(), rtol=1e-5, atol=1e-5
    )
    for ours, theirs in zip(gradients(rbm, loss.total), gradients(rbm, total), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("centred", [False, True])
def test_with_the_models_own_distribution_it_is_the_likelihood_gradient(centred: bool) -> None:
    rbm, x = machine(5, 3, centred=centred).double(), data(40, 5).double()
    states = binary_states(5)
    log_partition = torch.logsumexp(-rbm(states), dim=0)
    expected = gradients(rbm, rbm(x).mean() + log_partition)
    p = torch.softmax(-rbm(states), dim=0).detach()
    with torch.no_grad():  # positive minus the p-weighted mean of single negatives
        each = [contrastive_gradient(rbm, phase_of(rbm, x), phase_of(rbm, v[None])) for v in states]
    for i, theirs in enumerate(expected):
        ours = sum(p_v * gradient[i] for p_v, gradient in zip(p, each, strict=True))
        torch.testing.assert_close(ours, theirs)


def test_centred_gradient_follows_from_the_normal_one() -> None:
    """Melchior et al. 2016: ∇W centred = ∇W - ∇b λᵀ - μ ∇cᵀ, with the biases' gradients alike."""
    rbm = machine(6, 4, centred=True)
    x, x_neg = data(30, 6), 1 - data(30, 6)
    form = rbm.normal_form()
    normal = RBM(6, 4, centred=False)
    with torch.no_grad():
        normal.weight.copy_(form.weight)
        normal.visible_bias.copy_(form.visible_bias)
        normal.hidden_bias.copy_(form.hidden_bias)
        w, b, c = contrastive_gradient(normal, phase_of(normal, x), phase_of(normal, x_neg))
        w_centred, b_centred, c_centred = contrastive_gradient(rbm, phase_of(rbm, x), phase_of(rbm, x_neg))
    torch.testing.assert_close(b_centred, b)
    torch.testing.assert_close(c_centred, c)
    torch.testing.assert_close(w_centred, w - torch.outer(b, rbm.hidden_offset) - torch.outer(rbm.visible_offset, c))


def test_offsets_slide_to_the_batch_means_and_leave_the_distribution() -> None:
    rbm, x = machine(6, 4, centred=True).double(), data(50, 6).double()
    states = binary_states(6)
    before = torch.log_softmax(-rbm(states), dim=0)
    mu, hidden_mean = rbm.visible_offset.clone(), rbm.hidden_logits(x).sigmoid().mean(dim=0)
    lam = rbm.hidden_offset.clone()
    RBMContrastiveDivergence(6, offset_rate=0.25).double()(rbm, {"x": x}, generator=seeded(0))
    torch.testing.assert_close(rbm.visible_offset, 0.75 * mu + 0.25 * x.mean(dim=0))
    torch.testing.assert_close(rbm.hidden_offset, 0.75 * lam + 0.25 * hidden_mean.detach())
    torch.testing.assert_close(torch.log_softmax(-rbm(states), dim=0), before)


def test_inverting_the_data_inverts_a_centred_update() -> None:
    """The update of a centred machine with offsets at the means does not depend on which value of a unit is called
    1."""
    rbm, flipped = machine(6, 4, centred=True).double(), machine(6, 4, centred=True).double()
    with torch.no_grad():
        flipped.weight.neg_()
        flipped.visible_bias.neg_()
        flipped.visible_offset.copy_(1 - rbm.visible_offset)
    x, x_neg = data(30, 6).double(), 1 - data(30, 6).double()
    with torch.no_grad():
        w, b, c = contrastive_gradient(rbm, phase_of(rbm, x), phase_of(rbm, x_neg))
        w_f, b_f, c_f = contrastive_gradient(flipped, phase_of(flipped, 1 - x), phase_of(flipped, 1 - x_neg))
    torch.testing.assert_close(w_f, -w)
    torch.testing.assert_close(b_f, -b)
    torch.testing.assert_close(c_f, c)


def test_backward_scales_and_refuses_to_run_twice() -> None:
    rbm, x = machine(5, 4, centred=False), data(20, 5)
    objective = RBMContrastiveDivergence(5)
    once = gradients(rbm, objective(rbm, {"x": x}, generator=seeded(0)).total)
    tripled = gradients(rbm, 3 * objective(rbm, {"x": x}, generator=seeded(0)).total)
    for one, three in zip(once, tripled, strict=True):
        torch.testing.assert_close(three, 3 * one)
    loss = objective(rbm, {"x": x}, generator=seeded(0))
    gradients(rbm, loss.total, retain_graph=True)
    with pytest.raises(RuntimeError, match="compute the loss again"):
        gradients(rbm, loss.total)


@pytest.mark.parametrize("centred", [False, True])
def test_bfloat16_products_give_almost_the_same_gradient(centred: bool) -> None:
    rbm, x = machine(60, 40, centred=centred, scale=0.1), data(64, 60)
    x_neg = BlockGibbs(2)(rbm, x, generator=seeded(0)).x
    with torch.no_grad():
        exact = contrastive_gradient(rbm, phase_of(rbm, x), phase_of(rbm, x_neg), weight_decay=0.01)
        half_form = rbm.normal_form(torch.bfloat16)
        phases = [FreeEnergyPhase.of(v, half_form.hidden_logits(v)) for v in (x, x_neg)]
        half = contrastive_gradient(rbm, *phases, weight_decay=0.01, dtype=torch.bfloat16)
    for ours, theirs in zip(half, exact, strict=True):
        assert ours.dtype == torch.float32
        assert float((ours - theirs).norm() / theirs.norm()) < 0.02


def test_autocast_reaches_the_products_and_only_them() -> None:
    rbm, x = machine(60, 40, centred=True, scale=0.1), data(64, 60)
    objective = RBMContrastiveDivergence(60, offset_rate=0.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        form = rbm.normal_form()
        loss = objective(rbm, {"x": x}, generator=seeded(0))
    assert form.weight.dtype == torch.bfloat16
    assert torch.equal(form.hidden_bias, rbm.normal_form().hidden_bias)
    assert all(gradient.dtype == torch.float32 for gradient in gradients(rbm, loss.total))


def test_half_precision_products_leave_the_distribution_when_offsets_move() -> None:
    rbm, x = machine(6, 4, centred=True), data(50, 6)
    states = binary_states(6).float()
    before = torch.log_softmax(-rbm(states), dim=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        RBMContrastiveDivergence(6, offset_rate=0.5)(rbm, {"x": x}, generator=seeded(0))
    torch.testing.assert_close(torch.log_softmax(-rbm(states), dim=0), before, rtol=0, atol=1e-5)


def test_phases_of_different_sizes_keep_their_own_means() -> None:
    rbm, x, x_neg = machine(6, 4, centred=True), data(30, 6), 1 - data(11, 6)
    with torch.no_grad():
        ours = contrastive_gradient(rbm, phase_of(rbm, x), phase_of(rbm, x_neg), weight_decay=0.2)
    total = rbm(x).mean() - rbm(x_neg).mean() + 0.1 * rbm.weight.square().sum()
    for gradient, theirs in zip(ours, gradients(rbm, total), strict=True):
        torch.testing.assert_close(gradient, theirs, rtol=1e-5, atol=1e-6)


def test_autograd_takes_the_gradient_over_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    rbm, x = machine(5, 4, centred=False), data(20, 5)
    made: list[int] = []
    gradient = ContrastiveFactors.gradient

    def recorded(factors: ContrastiveFactors, weight: Tensor, weight_decay: float) -> tuple[Tensor, Tensor, Tensor]:
        gradients = gradient(factors, weight, weight_decay)
        made.extend(g.data_ptr() for g in gradients)
        return gradients

    monkeypatch.setattr(ContrastiveFactors, "gradient", recorded)
    torch.autograd.backward(RBMContrastiveDivergence(5)(rbm, {"x": x}, generator=seeded(0)).total)
    assert [p.grad.data_ptr() for p in rbm.parameters() if p.grad is not None] == made


def test_persistent_chains_start_at_the_first_batch_and_go_on() -> None:
    rbm, x = machine(6, 4, centred=False), data(10, 6)
    objective = RBMContrastiveDivergence(6, k=2, persistent=True)
    objective(rbm, {"x": x}, generator=seeded(0))
    first = BlockGibbs(2)(rbm, x, generator=seeded(0)).x
    assert torch.equal(objective.chains, first)
    loss = objective(rbm, {"x": data(4, 6)}, generator=seeded(1))  # a smaller last batch keeps all chains
    second = BlockGibbs(2)(rbm, first, generator=seeded(1)).x
    assert torch.equal(objective.chains, second)
    expected = rbm(data(4, 6)).mean() - rbm(second).mean()
    for ours, theirs in zip(gradients(rbm, loss.total), gradients(rbm, expected), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_persistent_chains_survive_a_checkpoint() -> None:
    rbm, x = machine(6, 4, centred=False), data(10, 6)
    objective = RBMContrastiveDivergence(6, persistent=True)
    objective(rbm, {"x": x}, generator=seeded(0))
    resumed = RBMContrastiveDivergence(6, persistent=True)
    resumed.load_state_dict(objective.state_dict())
    a, b = (o(rbm, {"x": x}, generator=seeded(1)) for o in (objective, resumed))
    assert torch.equal(a.total, b.total) and torch.equal(objective.chains, resumed.chains)
    assert not RBMContrastiveDivergence(6).state_dict()


@pytest.mark.parametrize("persistent", [False, True])
def test_two_workers_average_to_the_update_of_one(persistent: bool) -> None:
    rbm, x = machine(6, 4, centred=True), data(12, 6)
    chains = {"chains": data(16, 6), "age": torch.tensor(0)} if persistent else {}

    def run(batch: Tensor, rank: int = 0, world_size: int = 1) -> tuple[list[Tensor], Tensor]:
        objective = RBMContrastiveDivergence(6, k=2, persistent=persistent, offset_rate=0.0)
        objective.load_state_dict(chains)
        loss = objective(rbm, {"x": batch}, generator=seeded(7, rank=rank, world_size=world_size))
        return gradients(rbm, loss.total), objective.chains

    whole, moved = run(x)
    (left, moved_left), (right, moved_right) = run(x[:6], rank=0, world_size=2), run(x[6:], rank=1, world_size=2)
    for full, a, b in zip(whole, left, right, strict=True):
        torch.testing.assert_close((a + b) / 2, full)
    if persistent:
        assert torch.equal(torch.cat([moved_left[:8], moved_right[8:]]), moved)


def test_chains_must_divide_among_the_workers() -> None:
    objective = RBMContrastiveDivergence(6, persistent=True)
    objective.load_state_dict({"chains": data(5, 6), "age": torch.tensor(0)})
    with pytest.raises(ValueError, match="5 persistent chains"):
        objective(machine(6, 4, centred=False), {"x": data(2, 6)}, generator=seeded(0, world_size=2))


def test_training_by_the_phase_finds_the_machine_that_made_the_data() -> None:
    """PCD on samples of a known machine reaches its likelihood on them: the maximum is at least that of the truth."""
    truth = machine(6, 3, centred=False, scale=2.0)
    states = binary_states(6).float()
    with torch.no_grad():  # biases that make every mean 1/2: all that is to be learnt is in the weights
        truth.hidden_bias.copy_(-truth.weight.sum(dim=0) / 2)
        truth.visible_bias.copy_(-truth.weight.sum(dim=1) / 2)
        log_p = torch.log_softmax(-truth(states), dim=0)
    drawn = torch.multinomial(log_p.exp(), 1000, replacement=True, generator=torch.Generator().manual_seed(0))
    x, target = states[drawn], float(log_p[drawn].mean())

    def likelihood(system: RBMSystem) -> float:
        with torch.no_grad():
            return float(-system.energy(x).mean() - torch.logsumexp(-system.energy(states), dim=0))

    torch.manual_seed(0)
    config = RBMConfig(3, k=5, persistent=True, learning_rate=0.3, momentum=0.5, initial_weight_scale=0.3)
    system = config.build(DataSpec((6,), "binary"))
    system.initialise(x)
    assert likelihood(system) < target - 0.1
    (phase,) = system.phases()
    optimizer = phase.build_optimizer()
    for step in range(1200):
        optimizer.zero_grad()
        torch.autograd.backward(phase.objective(system, {"x": x}, generator=seeded(0, step)).total)
        optimizer.step()
    assert likelihood(system) > target
