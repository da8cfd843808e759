"""The replay buffer: which chains are fresh, what is written where, and that nothing is lost in a checkpoint."""

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.objectives.cd import replay_buffer
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer


def filled(capacity: int, restart_fraction: float) -> ReplayBuffer:
    """Chain number i holds the value 10 + i, which no noise has."""
    buffer = ReplayBuffer(capacity, (2,), restart_fraction)
    values = 10.0 + torch.arange(capacity, dtype=torch.float32)
    buffer.write(torch.arange(capacity), values[:, None].expand(-1, 2))
    return buffer


def test_an_unwritten_buffer_gives_uniform_noise() -> None:
    x, places = ReplayBuffer(5000, (3,), 0.0).draw(5000, generator=seeded(0))
    assert torch.equal(places.sort().values, torch.arange(5000))
    assert -1.0 <= float(x.min()) < -0.99 and 0.99 < float(x.max()) <= 1.0
    # A uniform density on [-1, 1] has mean 0 and variance 1/3.
    assert float(x.mean()) == pytest.approx(0.0, abs=4 * math.sqrt(1 / 3 / x.numel()))
    assert float(x.var()) == pytest.approx(1 / 3, abs=4 * math.sqrt((1 / 5 - 1 / 9) / x.numel()))


def test_noise_follows_units_and_scale() -> None:
    binary, _ = ReplayBuffer(4000, (3,), units="binary").draw(4000, generator=seeded(0))
    assert torch.equal(torch.unique(binary), torch.tensor([0.0, 1.0]))
    assert float(binary.mean()) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(binary.numel()))
    wide, _ = ReplayBuffer(4000, (3,), scale=4.0).draw(4000, generator=seeded(0))
    assert -4.0 <= float(wide.min()) < -3.9 and 3.9 < float(wide.max()) <= 4.0


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.5, 1.0])
def test_restarts_are_fresh_noise_and_as_frequent_as_asked(fraction: float) -> None:
    buffer = filled(1000, fraction)
    fresh: list[Tensor] = []
    n_drawn = 0
    for step in range(40):
        x, places = buffer.draw(250, generator=seeded(0, step))
        restarted = x[:, 0] < 5
        assert torch.equal(x[~restarted], buffer.chains[places][~restarted])
        fresh.append(x[restarted])
        n_drawn += 250
    noise = torch.cat(fresh)
    count = noise.shape[0]
    assert count == pytest.approx(n_drawn * fraction, abs=4 * math.sqrt(n_drawn * fraction * (1 - fraction)) + 1e-9)
    assert torch.unique(noise, dim=0).shape[0] == count
    assert bool((noise.abs() <= 1).all())
    if count > 100:
        assert float(noise.var()) == pytest.approx(1 / 3, rel=0.1)


def test_chains_age_by_their_steps_and_start_again_at_zero() -> None:
    """Without restarts a chain has made its visits times the steps of one; a restart begins anew."""
    buffer, visits = filled(40, 0.0), torch.zeros(40, dtype=torch.int64)
    for step in range(25):
        x, places = buffer.draw(10, generator=seeded(4, step))
        buffer.write(places, x, steps=7)
        visits[places] += 1
    assert torch.equal(buffer.ages, 7 * visits) and int(buffer.oldest) == 7 * int(visits.max())
    assert int(buffer.ages.sum()) == 25 * 10 * 7
    buffer.restart_fraction = 1.0
    x, places = buffer.draw(40, generator=seeded(5))
    buffer.write(places, x, steps=7)
    assert buffer.ages.tolist() == [7] * 40


def test_chains_return_to_their_places() -> None:
    buffer = filled(100, 0.0)
    before = buffer.chains.clone()
    x, places = buffer.draw(10, generator=seeded(1))
    assert torch.unique(places).numel() == 10
    buffer.write(places, x + 1000.0)
    touched = torch.zeros(100, dtype=torch.bool)
    touched[places] = True
    assert torch.equal(buffer.chains[touched], before[touched] + 1000.0)
    assert torch.equal(buffer.chains[~touched], before[~touched])


@pytest.mark.parametrize("n_writes", [0, 3])
def test_state_dict_round_trip_continues_bit_equal(n_writes: int) -> None:
    first = ReplayBuffer(50, (2, 3), 0.1)
    for step in range(n_writes):
        x, places = first.draw(20, generator=seeded(2, step))
        first.write(places, x * 0.9)
    second = ReplayBuffer(50, (2, 3), 0.1)
    second.load_state_dict(first.state_dict())
    for step in range(10, 13):
        drawn = [buffer.draw(20, generator=seeded(2, step)) for buffer in (first, second)]
        assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
        for buffer, (x, places) in zip((first, second), drawn, strict=True):
            buffer.write(places, x * 0.9)
    assert torch.equal(first.chains, second.chains)
    assert not list(first.parameters())


def test_two_workers_hold_the_buffer_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = ReplayBuffer(64, (2,), 0.2)
    two = [ReplayBuffer(64, (2,), 0.2) for _ in range(2)]
    for step in range(6):
        x, places = one.draw(16, generator=seeded(3, step))
        one.write(places, x + 0.5, steps=3)
        halves = [b.draw(8, generator=seeded(3, step, rank=r, world_size=2)) for r, b in enumerate(two)]
        assert torch.equal(torch.cat([half for half, _ in halves]), x)
        gathered = torch.cat([half + 0.5 for half, _ in halves])
        # Chains are gathered from both halves; the ages of both are the same numbers of one draw.
        ages = torch.cat([buffer._drawn for buffer in two if buffer._drawn is not None])

        def gather(share: Tensor, whole: Tensor = gathered, ages: Tensor = ages) -> Tensor:
            return whole if share.is_floating_point() else ages + 3

        monkeypatch.setattr(replay_buffer, "all_gather_batch", gather)
        for buffer, (half, half_places) in zip(two, halves, strict=True):
            assert torch.equal(half_places, places)
            buffer.write(half_places, half + 0.5, steps=3)
        monkeypatch.undo()
    for buffer in two:
        assert torch.equal(buffer.chains, one.chains) and torch.equal(buffer.written, one.written)


def test_errors_say_what_is_wrong() -> None:
    buffer = ReplayBuffer(8, (1,))
    with pytest.raises(ValueError, match="global batch of 10 chains, expected at most the buffer's capacity of 8"):
        buffer.draw(5, generator=seeded(0, rank=0, world_size=2))
    with pytest.raises(ValueError, match="got 3 chains for 4 places"):
        buffer.write(torch.arange(4), torch.zeros(3, 1))
    with pytest.raises(ValueError, match="restart_fraction"):
        ReplayBuffer(8, (1,), restart_fraction=1.5)
    with pytest.raises(ValueError, match="capacity"):
        ReplayBuffer(0, (1,))


def test_a_sample_is_of_different_written_chains() -> None:
    buffer = ReplayBuffer(10, (1,))
    buffer.write(torch.tensor([2, 7, 5]), torch.tensor([[20.0], [70.0], [50.0]]))
    two, all_three = buffer.sample(2, generator=seeded(0)), buffer.sample(99, generator=seeded(0))
    assert two.shape == (2, 1)
    assert sorted(all_three[:, 0].tolist()) == [20.0, 50.0, 70.0]
    assert len(set(two[:, 0].tolist())) == 2
    two.zero_()
    assert 0.0 not in buffer.sample(99, generator=seeded(0))


def test_drawn_chains_are_shifted_and_the_buffer_is_not() -> None:
    buffer = ReplayBuffer(200, (1, 3, 3), 0.0, shift=1)
    chains = torch.zeros(200, 1, 3, 3)
    chains[:, :, 1, 1] = 1.0
    buffer.write(torch.arange(200), chains)
    x, _ = buffer.draw(200, generator=seeded(0))
    # One in nine places, each as often.
    share = x.mean(dim=0).flatten()
    assert torch.equal(x.flatten(1).sum(1), torch.ones(200))
    assert (share - 1 / 9).abs().max() < 4 * math.sqrt(1 / 9 * 8 / 9 / 200)
    assert torch.equal(buffer.chains, chains)


def test_chains_keep_their_conditions_and_restarts_take_new_ones() -> None:
    buffer = ReplayBuffer(6, (2,), restart_fraction=0.0, condition_shape=(1,))
    new = torch.tensor([[7], [8], [9]])
    start, places, conditions = buffer.draw_conditional(new, generator=seeded(0))
    assert torch.equal(conditions, new), "what was never written is fresh"
    buffer.write(places, start + 1, conditions)
    _, places, conditions = buffer.draw_conditional(-new, generator=seeded(1))
    written = buffer.written[places]
    assert buffer.conditions is not None
    assert torch.equal(conditions, torch.where(written[:, None], buffer.conditions[places], -new))
    with pytest.raises(ValueError, match="condition_shape"):
        buffer.draw_conditional(torch.zeros(3, 4), generator=seeded(0))
    with pytest.raises(ValueError, match="without conditions"):
        buffer.write(places, start)


def test_a_buffer_without_conditions_draws_what_it_always_drew() -> None:
    plain, keeping = ReplayBuffer(6, (2,)), ReplayBuffer(6, (2,), condition_shape=(1,))
    assert set(plain.state_dict()) == {"ages", "chains", "written"}
    start, places = plain.draw(4, generator=seeded(0))
    other, same, _ = keeping.draw_conditional(torch.zeros(4, 1, dtype=torch.int64), generator=seeded(0))
    assert torch.equal(start, other) and torch.equal(places, same)
