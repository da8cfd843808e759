"""The check, before any training, that a configuration fits its data and can be measured in the end."""

from __future__ import annotations

from collections.abc import Sequence

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Evaluator, check_evaluators
from gibbsweep_models.types import System, SystemConfig


def checked_system(
    name: str,
    config: SystemConfig,
    dataset: Dataset,
    evaluators: Sequence[Evaluator],
    final_evaluators: Sequence[Evaluator],
) -> System:
    """The system of the contender ``name``, built as ``config`` stands. Raise UserError where it does not fit
    ``dataset``, or where an evaluator could not measure it."""
    try:
        system = config.build(dataset.spec)
    except ValueError as error:
        raise UserError(f"contender {name!r} does not fit the data: {str(error).rstrip('.')}.") from error
    check_evaluators(system, dataset, evaluators, final_evaluators)
    return system
