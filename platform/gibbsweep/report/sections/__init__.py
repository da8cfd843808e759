"""The sections of a sweep's part of the page, a file each, in the order in which a reader asks."""

from __future__ import annotations

from gibbsweep.report.blocks import Section
from gibbsweep.report.chart import Colours
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.limits import Limits
from gibbsweep.report.sections import (
    answer,
    cost,
    curves,
    front,
    importances,
    leaderboard,
    outcomes,
    parallel,
    repeat,
    samples,
    slices,
)


def sections_of(evidence: Evidence, limits: Limits) -> list[Section]:
    """The sections that have something to show, within ``limits``."""
    colours = Colours()
    for group in evidence.groups():
        colours[group]
    made = [
        answer.section(evidence),
        leaderboard.section(evidence, colours),
        cost.section(evidence, colours),
        front.section(evidence, colours),
        curves.section(evidence, colours, limits.curve_points),
        samples.section(evidence, limits.media_bytes),
        importances.section(evidence, colours),
        parallel.section(evidence),
        slices.section(evidence, colours),
        outcomes.section(evidence),
        repeat.section(evidence),
    ]
    return [section for section in made if section.blocks]
