"""Views of images: what is switched off changes nothing, what is certain has a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.nn.transforms.augment import Augmentation

OFF = {"crop": (1.0, 1.0), "aspect": 1.0, "flip": 0.0, "jitter": 0.0, "grey": 0.0}
LUMA = torch.tensor([0.299, 0.587, 0.114])


def images(n: int = 6, channels: int = 3) -> Tensor:
    return 1.2 * rand((n, channels, 12, 10), generator=seeded(0)) - 0.6


def view(x: Tensor, seed: int = 1, **changes: object) -> Tensor:
    return Augmentation(**(OFF | changes))(x, generator=seeded(seed))  # type: ignore[arg-type]


def test_nothing_switched_on_is_the_identity() -> None:
    torch.testing.assert_close(view(images()), images(), rtol=0, atol=1e-5)


def test_a_certain_flip_is_the_mirror_image() -> None:
    torch.testing.assert_close(view(images(), flip=1.0), images().flip(3), rtol=0, atol=1e-5)


def test_without_colours_all_channels_are_the_luma() -> None:
    grey = view(images(), grey=1.0)
    luma = torch.einsum("bchw,c->bhw", images(), LUMA)
    torch.testing.assert_close(grey, luma[:, None].expand_as(grey), rtol=0, atol=1e-5)


def test_jitter_scales_the_luma_by_one_factor_and_shifts_it_by_another() -> None:
    """Saturation and hue leave it, brightness and contrast are an affine map of it (where nothing is cut off)."""
    x = 0.2 * images()
    before = torch.einsum("bchw,c->bhw", x, LUMA).flatten(1)
    after = torch.einsum("bchw,c->bhw", view(x, jitter=1.0, strength=0.3), LUMA).flatten(1)
    correlation = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(before, after, strict=True)])
    torch.testing.assert_close(correlation, torch.ones(len(x)), rtol=0, atol=1e-4)
    assert not torch.allclose(view(x, jitter=1.0, strength=0.3), x, atol=1e-2)


def test_views_are_as_the_generator_says_one_by_one() -> None:
    everything = Augmentation()
    x = images(8)
    assert torch.equal(everything(x, generator=seeded(3)), everything(x, generator=seeded(3)))
    assert not torch.equal(everything(x, generator=seeded(3)), everything(x, generator=seeded(4)))
    halves = [everything(x.chunk(2)[r], generator=seeded(3, rank=r, world_size=2)) for r in range(2)]
    torch.testing.assert_close(torch.cat(halves), everything(x, generator=seeded(3)))
    assert len({float(v.mean()) for v in everything(x[:1].expand(8, -1, -1, -1), generator=seeded(5))}) > 1


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_range_and_layout_stay(channels: int) -> None:
    x = (5 * images(4, channels)).clamp(-1, 1).contiguous(memory_format=torch.channels_last)
    seen = Augmentation(strength=1.0)(x, generator=seeded(0))
    assert seen.shape == x.shape
    assert seen.abs().max() <= 1
    assert seen.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"crop": (0.0, 1.0)}, "0 < low"),
        ({"flip": 1.5}, "from 0 to 1"),
        ({"aspect": 0.5}, "at least 1"),
        ({"strength": 2.0}, "from 0"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Augmentation(**changes)  # type: ignore[arg-type]


def test_vectors_have_no_views() -> None:
    with pytest.raises(ValueError, match=r"\(6, 4\); reshape"):
        view(torch.zeros(6, 4))
