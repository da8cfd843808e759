import pytest
import torch

from gibbsweep_models.draws import seeded
from gibbsweep_models.likelihood.exact import binary_states
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.samplers.mcmc.diagnostics import effective_sample_size
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs


def machine(centred: bool = True) -> RBM:
    torch.manual_seed(0)
    rbm = RBM(5, 3, centred=centred, initial_weight_scale=1.0)
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
    return rbm


@pytest.mark.parametrize(
    ("centred", "temperature", "product_dtype"),
    [
        (False, 1.0, torch.float32),
        (True, 1.0, torch.float32),
        (True, 2.0, torch.float32),
        (True, 1.0, torch.bfloat16),
    ],
)
def test_moments_are_those_of_the_enumerated_joint_distribution(
    centred: bool, temperature: float, product_dtype: torch.dtype
) -> None:
    rbm = machine(centred)
    with torch.no_grad():
        rbm.weight.copy_(rbm.weight.to(product_dtype))
    v, h = binary_states(5).float(), binary_states(3).float()
    energies = rbm.joint_energy(v.repeat_interleave(8, dim=0), h.repeat(32, 1)).view(32, 8).detach()
    p = torch.softmax(-energies.flatten() / temperature, dim=0).view(32, 8).sum(dim=1)
    mean, second = p @ v, v.t() @ (p[:, None] * v)

    kept: list[torch.Tensor] = []
    start = (torch.rand(200, 5, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    sampler = BlockGibbs(450, temperature)
    form = rbm.normal_form(product_dtype)
    sampler(form, start, generator=seeded(2), trace=lambda step, x: kept.append(x.clone()) if step > 50 else None)
    chain = torch.stack(kept)  # (T, B, 5)

    for i in range(5):
        for j in range(i + 1):
            quantity = chain[..., i] * chain[..., j]
            truth = mean[i] if i == j else second[i, j]
            standard_error = float(truth * (1 - truth) / effective_sample_size(quantity)) ** 0.5
            assert abs(float(quantity.mean() - truth)) < 4 * standard_error


def test_info_holds_the_products_that_were_computed() -> None:
    rbm = machine()
    x = (torch.rand(6, 5) < 0.5).float().view(6, 1, 5)
    one = BlockGibbs(1)(rbm, x, generator=seeded(0))
    torch.testing.assert_close(one.info["hidden_logits"], rbm.hidden_logits(x.flatten(1)).detach())
    assert torch.equal(one.info["hidden_mean"], one.info["hidden_logits"].sigmoid())
    assert torch.equal(one.info["reconstruction"], one.info["visible_mean"])
    assert one.x.shape == one.info["visible_mean"].shape == x.shape
    assert (one.nfe, BlockGibbs(7)(rbm, x, generator=seeded(0)).nfe) == (2, 14)
    assert not one.x.requires_grad and not one.info["hidden_logits"].requires_grad
    means: list[torch.Tensor] = []
    three = BlockGibbs(3)(rbm, x, generator=seeded(0), trace=lambda step, v: means.append(v))
    assert torch.equal(three.info["reconstruction"], one.info["reconstruction"])
    assert torch.equal(means[0], one.x) and torch.equal(means[-1], three.x)


@pytest.mark.parametrize("product_dtype", [torch.float32, torch.bfloat16])
def test_later_steps_write_over_nothing_that_is_returned(product_dtype: torch.dtype) -> None:
    form = machine().normal_form(product_dtype)
    x = (torch.rand(6, 5) < 0.5).float()
    data = x.clone()
    traced: list[torch.Tensor] = []
    runs = [BlockGibbs(k)(form, x, generator=seeded(0)) for k in range(1, 6)]
    BlockGibbs(5)(form, x, generator=seeded(0), trace=lambda step, v: traced.append(v))
    assert torch.equal(x, data)
    for k, samples in enumerate(runs):
        assert torch.equal(samples.x, traced[k])
        for name in ("hidden_logits", "hidden_mean", "reconstruction"):
            assert torch.equal(samples.info[name], runs[0].info[name])


@pytest.mark.parametrize("product_dtype", [torch.float32, torch.bfloat16])
def test_half_batches_on_two_workers_are_the_full_batch(product_dtype: torch.dtype) -> None:
    form = machine().normal_form(product_dtype)
    x = (torch.rand(8, 5) < 0.5).float()
    whole = BlockGibbs(5)(form, x, generator=seeded(9)).x
    halves = [
        BlockGibbs(5)(form, x[4 * rank : 4 * rank + 4], generator=seeded(9, rank=rank, world_size=2)).x
        for rank in (0, 1)
    ]
    assert torch.equal(whole, torch.cat(halves))


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="n_steps >= 1: got 0"):
        BlockGibbs(0)
    with pytest.raises(ValueError, match="temperature > 0"):
        BlockGibbs(1, 0.0)
