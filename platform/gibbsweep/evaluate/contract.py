"""What an evaluator is, and how several are run on one system."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import Examples
from gibbsweep.train import Evaluation
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws
from gibbsweep_models.types import System


class Evaluator(Protocol):
    """A frozen dataclass of numbers. ``needs`` is the protocol (in gibbsweep_models.capabilities) that a system must offer."""

    @property
    def needs(self) -> type: ...

    def __call__(self, system: Any, split: Any, *, generator: torch.Generator) -> Evaluation:
        """Metrics, pictures and sounds by plain name; no gradients are kept, no weights changed. ``split``: :class:`Examples`, or a
        :class:`gibbsweep.data.Split` where the measure compares with more of its data set."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """An evaluator that needs something made once for a data set (a feature network) before it can measure."""

    def prepare(self, dataset: Dataset) -> str:
        """Make it, unless it is there; a phrase that says what it is."""
        ...


@runtime_checkable
class ReadsOtherData(Protocol):
    """An evaluator that compares with other data sets: ``reads`` names them, so that a missing one is found before any run."""

    @property
    def reads(self) -> tuple[str, ...]: ...


@runtime_checkable
class ChecksData(Protocol):
    """An evaluator that asks more of a data set than a system does."""

    def check(self, dataset: Dataset) -> None:
        """Raise UserError, before any run, where ``dataset`` cannot be measured."""
        ...


@runtime_checkable
class DescribesData(Protocol):
    """An evaluator whose numbers are read with what was done to the data in mind."""

    def describe(self, dataset: Dataset) -> tuple[str, ...]:
        """Sentences for the log of a sweep and for its table."""
        ...


def described(evaluators: Iterable[Evaluator], dataset: Dataset) -> list[str]:
    """What ``evaluators`` say of the data, each sentence once."""
    sentences = (s for e in evaluators if isinstance(e, DescribesData) for s in e.describe(dataset))
    return list(dict.fromkeys(sentences))


def evaluate_all(
    evaluators: Iterable[Evaluator],
    system: System,
    split: Examples,
    *,
    prefix: str,
    seed: int,
    step: int,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Run ``evaluators`` on ``split``; names get ``prefix`` ("validation", "test"). Each has its own random stream, a function of
    (seed, its class, step), so that adding one leaves the others' numbers as they were. Two that give one name to different
    numbers are an error."""
    metrics: dict[str, float] = {}
    images: dict[str, Any] = {}
    sounds: dict[str, Any] = {}
    for evaluator in evaluators:
        name = type(evaluator).__name__
        check_needs(evaluator, system)
        generator = draws.seeded(seed, Stream.EVALUATION, zlib.crc32(name.encode()), step, device=device)
        with torch.no_grad():
            evaluation = evaluator(system, split, generator=generator)
        made = (*evaluation.metrics, *evaluation.images, *evaluation.sounds)
        taken = [key for key in made if f"{prefix}/{key}" in {**metrics, **images, **sounds}]
        if taken:
            raise UserError(
                f"{name} and an evaluator before it both measure {', '.join(taken)}: give them other names."
            )
        metrics |= {f"{prefix}/{key}": value for key, value in evaluation.metrics.items()}
        images |= {f"{prefix}/{key}": pixels for key, pixels in evaluation.images.items()}
        sounds |= {f"{prefix}/{key}": sound for key, sound in evaluation.sounds.items()}
    return Evaluation(metrics, images, sounds)


def check_needs(evaluator: Evaluator, system: System) -> None:
    """Raise UserError where ``system`` does not offer what ``evaluator`` measures."""
    if not isinstance(system, evaluator.needs):
        raise UserError(
            f"{type(evaluator).__name__} needs a system with {evaluator.needs.__name__}, and {type(system).__name__} has "
            "it not: give this contender evaluators of its own."
        )


def check_other_data(evaluator: Evaluator, dataset: Dataset) -> None:
    """Raise UserError where a data set that ``evaluator`` compares ``dataset`` with is missing or of another shape, or where
    ``evaluator`` has another reason."""
    if isinstance(evaluator, ReadsOtherData):
        for name in evaluator.reads:
            dataset.other(name, "train")
            dataset.other(name, "test")
    if isinstance(evaluator, ChecksData):
        evaluator.check(dataset)
