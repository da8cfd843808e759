"""A figure of the values that a population's members train with: a line for each member, with a jump where it goes on
from another's checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gibbsweep.study.space import Choice, Domain, Float, Int, Space, walk
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.population.lineage import schedule_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 5.0, 2.6  # inches of a panel
_BEST = "tab:red"


def draw_lineages(
    groups: Sequence[tuple[str, Sequence[Record], Record | None]],
    records: Sequence[Record],
    space: Space,
    evolves: Sequence[str],
    updates: int,
) -> Figure:
    """Draw the values that evolve against updates. ``groups``: (title, members, best member) of each arm, which make
    the columns; the paths that evolve make the rows. The thick line is the history of the best member's weights, which
    its retrainings repeat; a thin line ends where its member was replaced."""
    from matplotlib.figure import Figure

    domains = dict(walk(space))
    figure = Figure(figsize=(_WIDTH * len(groups), _HEIGHT * len(evolves) + 0.4), layout="constrained")
    panels = figure.subplots(len(evolves), len(groups), squeeze=False, sharex=True, sharey="row")
    for row, path in zip(panels, evolves, strict=True):
        for axis, (title, members, best) in zip(row, groups, strict=True):
            _draw(axis, members, records, path, domains[path], updates, best)
            if axis is panels[0][0] or title:
                axis.set_title(title, fontsize=9)
        row[0].set_ylabel(path, fontsize=9)
    for axis in panels[-1]:
        axis.set_xlabel("updates", fontsize=9)
    return figure


def _draw(
    axis: Axes,
    members: Sequence[Record],
    records: Sequence[Record],
    path: str,
    domain: Domain,
    updates: int,
    best: Record | None,
) -> None:
    for record in members:
        starts = [(0, record.initial_values), *((copy.step, copy.values) for copy in record.copies)]
        ends = [*(step for step, _ in starts[1:]), max(record.updates_done, starts[-1][0])]
        for (start, values), end in zip(starts, ends, strict=True):
            if path in values and end > start:
                axis.plot([start, end], [_height(domain, values[path])] * 2, color="tab:gray", alpha=0.5, linewidth=0.8)
        for copy in record.copies:
            before = next(s.values for s in reversed(schedule_of(records, copy.donor, copy.step)))
            if path in before and path in copy.values:
                ends_at = [_height(domain, before[path]), _height(domain, copy.values[path])]
                axis.plot([copy.step] * 2, ends_at, color="tab:gray", alpha=0.5, linewidth=0.6, linestyle=":")
    if best is not None:
        schedule = [segment for segment in schedule_of(records, best.number) if path in segment.values]
        steps = [*(segment.start for segment in schedule), updates]
        heights = [_height(domain, segment.values[path]) for segment in schedule]
        axis.step(steps, [*heights, *heights[-1:]], where="post", color=_BEST, linewidth=2.0)
    if isinstance(domain, Float | Int) and domain.log:
        axis.set_yscale("log")
    if isinstance(domain, Choice):
        axis.set_yticks(range(len(domain.options)), [str(option) for option in domain.options])


def _height(domain: Domain, value: Any) -> float:
    return float(domain.options.index(value)) if isinstance(domain, Choice) else float(value)
