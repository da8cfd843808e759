"""The contract of an evaluator, and how several are run on one system."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, runtime_checkable

import torch

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import Examples
from gibbsweep.train import Evaluation
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws
from gibbsweep_models.types import System


class Evaluator(Protocol):
    """A measure of a trained system on a split of its data: a frozen dataclass of numbers, called with both.

    ``needs`` names the protocol of ``gibbsweep_models.capabilities`` that a system must offer. It is a ``ClassVar``: a
    sweep is compared with its record by the fields of its evaluators, which the name of a protocol must not be one of.

    Example::

        @dataclass(frozen=True)
        class MeanEnergy:
            limit: int = 1000
            needs: ClassVar[type] = HasEnergy

            def __call__(self, system: HasEnergy, split: Examples, *, generator: torch.Generator) -> Evaluation:
                x = examples_of(split, self.limit, generator.device)
                return Evaluation({"mean_energy": float(system.energy(x).mean())})
    """

    @property
    def needs(self) -> type: ...

    def __call__(self, system: Any, split: Any, *, generator: torch.Generator) -> Evaluation:
        """Return metrics, pictures and sounds by plain names; keep no gradients and change no weights.

        ``split`` is an :class:`~gibbsweep.evaluate.examples.Examples`, or a :class:`gibbsweep.data.Split` where the
        measure compares with more of its data set.
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """An evaluator that needs something made once for a data set (a feature network) before it can measure."""

    def prepare(self, dataset: Dataset) -> str:
        """Make it, unless it exists already; return a phrase that says what it is."""
        ...


@runtime_checkable
class ReadsOtherData(Protocol):
    """An evaluator that compares with other data sets: ``reads`` names them, so that a missing one is found before any
    run."""

    @property
    def reads(self) -> tuple[str, ...]: ...


@runtime_checkable
class ChecksData(Protocol):
    """An evaluator that asks more of a data set than a system does."""

    def check(self, dataset: Dataset) -> None:
        """Raise UserError, before any run, where ``dataset`` cannot be measured."""
        ...


@runtime_checkable
class ChecksSplit(Protocol):
    """An evaluator that asks more of a split than that there is one: labels, a shape, a number of examples."""

    def check_split(self, split: Split) -> None:
        """Raise UserError, before any run, where ``split`` cannot be measured."""
        ...


@runtime_checkable
class DescribesData(Protocol):
    """An evaluator whose numbers are read with what was done to the data in mind."""

    def describe(self, dataset: Dataset) -> tuple[str, ...]:
        """Return sentences for the log of a sweep and for its table."""
        ...


@runtime_checkable
class CanBeBrief(Protocol):
    """An evaluator that has something to train first, which can be short where numbers only have to come: at the
    budget ``smoke``."""

    def briefly(self) -> Self:
        """The same measure by what a brief training makes."""
        ...


@runtime_checkable
class RunsChains(Protocol):
    """An evaluator that runs the model's own Markov chains on."""

    @property
    def chain_steps(self) -> int:
        """The steps of its longest chain."""
        ...


def described(evaluators: Iterable[Evaluator], dataset: Dataset) -> list[str]:
    """Collect what ``evaluators`` say of the data, each sentence once."""
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
    say: Callable[[str], None] = lambda words: None,
) -> Evaluation:
    """Run ``evaluators`` on ``split``; their names get ``prefix`` ("validation", "test"). ``say`` hears what is
    measured next: ``measuring LogLikelihood 2 of 5``.

    Each has its own random stream, a function of (seed, its class, step), so that adding one leaves the numbers of the
    others as they were. Raises UserError where two of them give one name to different numbers.
    """
    metrics: dict[str, float] = {}
    images: dict[str, Any] = {}
    sounds: dict[str, Any] = {}
    evaluators = list(evaluators)
    for place, evaluator in enumerate(evaluators, 1):
        name = type(evaluator).__name__
        say(f"measuring {name} {place} of {len(evaluators)}")
        check_needs(evaluator, system)
        generator = draws.seeded(seed, Stream.EVALUATION, zlib.crc32(name.encode()), step, device=device)
        with torch.no_grad():
            evaluation = evaluator(system, split, generator=generator)
        earlier = {**metrics, **images, **sounds}
        names = (*evaluation.metrics, *evaluation.images, *evaluation.sounds)
        repeated = [key for key in names if f"{prefix}/{key}" in earlier]
        if repeated:
            raise UserError(
                f"{name} and an evaluator before it both measure {', '.join(repeated)}: give them other names."
            )
        metrics |= {f"{prefix}/{key}": value for key, value in evaluation.metrics.items()}
        images |= {f"{prefix}/{key}": pixels for key, pixels in evaluation.images.items()}
        sounds |= {f"{prefix}/{key}": sound for key, sound in evaluation.sounds.items()}
    return Evaluation(metrics, images, sounds)


def check_needs(evaluator: Evaluator, system: System) -> None:
    """Raise UserError where ``system`` does not offer what ``evaluator`` measures."""
    if isinstance(system, evaluator.needs):
        return
    asked = {name for base in evaluator.needs.__mro__ if getattr(base, "_is_protocol", False) for name in vars(base)}
    missing = sorted(name for name in asked if not name.startswith("_") and not hasattr(system, name))
    advice = getattr(evaluator, "advice", "")
    raise UserError(
        f"{type(evaluator).__name__} needs a system with {evaluator.needs.__name__}, and {type(system).__name__} has "
        f"no {' and no '.join(f'{name}()' for name in missing)}: define it as gibbsweep_models.capabilities says"
        f"{f' ({advice})' if advice else ''}, or give this contender evaluators of its own."
    )


def check_evaluators(
    system: System, dataset: Dataset, evaluators: Iterable[Evaluator], final_evaluators: Iterable[Evaluator]
) -> None:
    """Raise UserError where one of the ``evaluators`` of the validation split, or of the ``final_evaluators`` of the
    test split, could not measure ``system`` or its split: before any run, not at its end."""
    for split, measures in ((dataset.validation, evaluators), (dataset.test, final_evaluators)):
        for evaluator in measures:
            check_needs(evaluator, system)
            check_other_data(evaluator, dataset)
            if isinstance(evaluator, ChecksSplit):
                evaluator.check_split(split)


def check_other_data(evaluator: Evaluator, dataset: Dataset) -> None:
    """Raise UserError where ``evaluator`` cannot measure on ``dataset``: a data set that it compares with is missing or
    has another shape, or its own check fails."""
    if isinstance(evaluator, ReadsOtherData):
        for name in evaluator.reads:
            dataset.other(name, "train")
            dataset.other(name, "test")
    if isinstance(evaluator, ChecksData):
        evaluator.check(dataset)
