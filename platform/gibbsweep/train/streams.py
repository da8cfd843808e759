"""The random streams of a run: everything that draws from its seed draws from another stream of it."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Stream(IntEnum):
    """The first word after a run's seed in :func:`gibbsweep_models.draws.seeded` and
    :func:`gibbsweep_models.draws.mix`.

    The values stand behind every recorded number: a new stream gets a new value, and no value ever changes.

        generator = draws.seeded(seed, Stream.EVALUATION, step)
    """

    UPDATES = 0
    """Noise inside an update; the next word is the update."""
    ORDER = 1
    """The order of the examples; the next word is the epoch."""
    INITIALISATION = 2
    """The examples that initialise a system."""
    EVALUATION = 3
    """Evaluators; the next words are the evaluator and the update."""
    FIT = 4
    """Closed-form baselines, which are fitted at once."""
    CALIBRATION = 5
    """What a system fits after training."""
    SEGMENT = 6
    """The seed of a later part of a run that changes its configuration."""
    EXPLORATION = 7
    """Values of a population's members, drawn by NumPy from (seed, update, member, 7)."""
    RESTART = 8
    """The seed after a divergence; the next word counts restarts."""
