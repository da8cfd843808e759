import pytest
import torch
from torch import Tensor

from gibbsweep_models.capabilities import CanReconstruct, CanSample, HasChain, HasEnergy, HasLogLikelihood
from gibbsweep_models.draws import bernoulli, seeded
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.likelihood.exact import binary_states
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.types import DataSpec

N_VISIBLE, N_HIDDEN = 4, 3


def tiny(centred: bool, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> RBM:
    torch.manual_seed(3)
    rbm = RBM(N_VISIBLE, N_HIDDEN, centred=centred, initial_weight_scale=scale).to(dtype)
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
        if centred:
            rbm.visible_offset.uniform_()
            rbm.hidden_offset.uniform_()
    return rbm


def joint_energies(rbm: RBM) -> tuple[Tensor, Tensor, Tensor]:
    """All v (16, 4), all h (8, 3) and E (16, 8)."""
    v, h = binary_states(N_VISIBLE), binary_states(N_HIDDEN)
    pairs = rbm.joint_energy(v.repeat_interleave(len(h), dim=0), h.repeat(len(v), 1))
    return v, h, pairs.view(len(v), len(h)).detach()


@pytest.mark.parametrize("centred", [False, True])
def test_free_energy_is_the_sum_over_hidden_states(centred: bool) -> None:
    rbm = tiny(centred)
    v, _, energies = joint_energies(rbm)
    torch.testing.assert_close(rbm(v.view(-1, 2, 2)), -torch.logsumexp(-energies, dim=1))


@pytest.mark.parametrize("centred", [False, True])
def test_conditionals_are_those_of_the_joint_energy(centred: bool) -> None:
    rbm = tiny(centred)
    v, h, energies = joint_energies(rbm)
    torch.testing.assert_close(rbm.hidden_logits(v).sigmoid(), torch.softmax(-energies, dim=1) @ h)
    torch.testing.assert_close(rbm.visible_logits(h).sigmoid(), torch.softmax(-energies, dim=0).t() @ v)


def test_normal_form_and_moved_offsets_describe_the_same_distribution() -> None:
    rbm = tiny(True)
    form = rbm.normal_form()
    normal = tiny(False)
    with torch.no_grad():
        normal.weight.copy_(form.weight)
        normal.visible_bias.copy_(form.visible_bias)
        normal.hidden_bias.copy_(form.hidden_bias)
    energies = joint_energies(rbm)[2]
    torch.testing.assert_close(joint_energies(normal)[2] + form.constant, energies)
    rbm.move_offsets(torch.rand(N_VISIBLE).double(), torch.rand(N_HIDDEN).double(), 0.3)
    moved = joint_energies(rbm)[2]
    torch.testing.assert_close(moved - moved.mean(), energies - energies.mean())


def test_energy_has_a_gradient_in_x_and_in_the_parameters() -> None:
    rbm = tiny(True)
    x = torch.rand(5, N_VISIBLE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rbm, (x,))
    rbm(x).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in rbm.parameters())


def test_initialise_makes_the_visible_means_those_of_the_data() -> None:
    rbm = RBM(6, 2, initial_weight_scale=0.0)
    x = (torch.rand(500, 2, 3) < 0.3).float()
    rbm.initialise(x)
    mean = x.flatten(1).mean(dim=0)
    torch.testing.assert_close(rbm.visible_offset, mean)
    torch.testing.assert_close(rbm.visible_logits(torch.ones(1, 2)).sigmoid()[0], mean)
    blank = RBM(6, 2)
    blank.initialise(torch.zeros(10, 6))
    assert torch.isfinite(blank.visible_bias).all()


def test_errors_name_what_was_got() -> None:
    with pytest.raises(ValueError, match="4 visible units: got x of shape"):
        tiny(False, dtype=torch.float32)(torch.zeros(2, 5))
    with pytest.raises(ValueError, match="no offsets"):
        tiny(False).move_offsets(torch.zeros(4), torch.zeros(3), 0.1)
    with pytest.raises(ValueError, match="binary units"):
        RBMConfig().build(DataSpec((4,), "signed"))


def test_bernoulli_is_certain_at_0_and_1_and_has_the_right_mean() -> None:
    p = torch.tensor([0.0, 1.0, 0.3, 0.99]).repeat(100_001, 1)  # an even and an odd number of units
    for probability in (p, p[:, :3]):
        draw = bernoulli(probability.contiguous(), generator=seeded(0))
        assert bool(((draw == 0) | (draw == 1)).all())
        assert draw[:, 0].sum() == 0 and draw[:, 1].sum() == len(draw)
        mean, standard_error = draw[:, 2].mean(), (0.3 * 0.7 / len(draw)) ** 0.5
        assert abs(float(mean) - 0.3) < 4 * standard_error


def test_bernoulli_resolves_small_probabilities() -> None:
    """A mean of 2^-20 is below the 16 bits that each unit has of its own: the shared 8 must make up for it over the
    calls."""
    calls, n, p = 2000, 40_000, 2.0**-20
    generator = seeded(3)
    total = sum(int(bernoulli(torch.full((n,), p), generator=generator).sum()) for _ in range(calls))
    # A call hits with 16 of 256 shared values, and then each unit with probability 2^-16.
    variance = calls * (1 / 16 * (n / 2**16 + (n / 2**16) ** 2) - (n * p) ** 2)
    assert abs(total - calls * n * p) < 4 * variance**0.5


def test_neighbouring_bernoulli_units_are_independent() -> None:
    draw = bernoulli(torch.full((200_000, 5), 0.5), generator=seeded(1)) - 0.5
    for lag in range(1, 5):
        product = draw[:, 0] * draw[:, lag]
        assert abs(float(product.mean())) < 4 * 0.25 / 200_000**0.5


@pytest.mark.parametrize("width", [4, 5])
def test_workers_draw_their_slices_of_the_global_bernoulli(width: int) -> None:
    p = torch.rand(6, width)
    whole = bernoulli(p, generator=seeded(5))
    shares = [bernoulli(p[3 * rank : 3 * rank + 3], generator=seeded(5, rank=rank, world_size=2)) for rank in (0, 1)]
    assert torch.equal(whole, torch.cat(shares))


def test_system_offers_its_methods() -> None:
    system = RBMConfig(n_hidden=5, sample_steps=3, equilibration=2, annealing_chains=8).build(
        DataSpec((1, 3, 3), "binary")
    )
    for protocol in (HasEnergy, CanSample, HasChain, CanReconstruct, HasLogLikelihood):
        assert isinstance(system, protocol)
    steps: list[int] = []
    samples = system.sample(4, generator=seeded(0), trace=lambda step, x: steps.append(step))
    assert samples.x.shape == samples.info["visible_mean"].shape == (4, 1, 3, 3)
    assert steps == [1, 2, 3]
    assert bool(((samples.x == 0) | (samples.x == 1)).all())
    assert torch.equal(samples.x, system.sample(4, generator=seeded(0)).x)
    assert system.reconstruct(samples.x, generator=seeded(1)).shape == (4, 1, 3, 3)
    assert system.energy(samples.x).shape == (4,)
    twin = RBMConfig(n_hidden=5).build(DataSpec((1, 3, 3), "binary"))
    twin.load_state_dict(system.state_dict())
    assert torch.equal(twin.energy(samples.x), system.energy(samples.x))


def test_bernoulli_in_half_precision_is_the_same_draw() -> None:
    p = torch.rand(50, 7)
    whole, half = bernoulli(p, generator=seeded(2)), bernoulli(p, generator=seeded(2), dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16 and torch.equal(half.float(), whole)
    double = bernoulli(p.double(), generator=seeded(2), dtype=torch.float32)
    assert double.dtype == torch.float32 and bool(((double == 0) | (double == 1)).all())
    assert bernoulli(p.t(), generator=seeded(2)).shape == (7, 50)


def test_offsets_move_alike_with_the_log_odds_at_hand() -> None:
    x, hidden_mean = (torch.rand(30, N_VISIBLE) < 0.3).double(), torch.rand(N_HIDDEN).double()
    plain, given = tiny(True), tiny(True)
    given.load_state_dict(plain.state_dict())
    mean_hidden_logits = given.hidden_logits(x).mean(dim=0).detach()
    plain.move_offsets(x.mean(dim=0), hidden_mean, 0.3)
    given.move_offsets(x.mean(dim=0), hidden_mean, 0.3, mean_hidden_logits=mean_hidden_logits)
    for ours, theirs in zip(given.state_dict().values(), plain.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_generator_that_keeps_its_memory_draws_the_same_and_hands_none_of_it_out() -> None:
    kept, plain = seeded(4), torch.Generator().manual_seed(seeded(4).initial_seed())
    drawn = []
    for width in (*range(1, 12), 3, 3):  # more shapes than it keeps, and shapes it has kept
        p = torch.rand(6, width)
        dtype = torch.bfloat16 if width % 2 else torch.float32
        ours, theirs = (bernoulli(p, generator=g, dtype=dtype) for g in (kept, plain))
        drawn.append((ours, theirs.clone()))
    assert all(torch.equal(ours, theirs) for ours, theirs in drawn)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bernoulli_writes_to_the_units_it_is_given(dtype: torch.dtype) -> None:
    p = torch.rand(20, 7, dtype=dtype)
    for units in (torch.float32, torch.bfloat16):
        out = torch.empty(20, 7, dtype=units)
        assert bernoulli(p, generator=seeded(6), out=out) is out
        assert torch.equal(out, bernoulli(p, generator=seeded(6), dtype=units))
