"""Which part of the choice made the goal's variance over the trials."""

from __future__ import annotations

from collections.abc import Mapping

from gibbsweep.report.blocks import Block, Charts, Section, Words
from gibbsweep.report.chart import GREY, Chart, Colours, Line
from gibbsweep.report.evidence import Evidence

_MOST = 20


def section(evidence: Evidence, colours: Colours) -> Section:
    """Bars, a figure for each contender and goal."""
    if evidence.results is not None:
        by_label: Mapping[str, Mapping[str, float]] = evidence.results.importances
    else:
        from gibbsweep.report.trials import importances_so_far  # scikit-learn's import takes seconds

        by_label = importances_so_far(evidence)
    charts = [chart for label, shares in by_label.items() if (chart := _chart(label, shares, colours)) is not None]
    blocks: list[Block] = []
    if charts:
        words = (
            "Shares of the goal's variance over the completed trials (functional ANOVA, main effects). The rest is "
            "interaction and noise. A search concentrates its trials where it is good, and shares of few trials say "
            "little."
        )
        blocks = [Charts(charts), Words([words], style="quiet")]
    return Section("importances", "What matters", blocks)


def _chart(label: str, shares: Mapping[str, float], colours: Colours) -> Chart | None:
    contender = label.partition(" (for ")[0]
    totals: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = {}
    for key, share in shares.items():
        option, _, path = key.rpartition(" ")
        # "form.name=conv form.width": the share of a path under one option; an option's text may hold ", ".
        totals[path] = totals.get(path, 0.0) + share
        parts.setdefault(option, {})[path] = share
    paths = sorted(totals, key=lambda path: -totals[path])[:_MOST]
    paths = [path for path in paths if totals[path] >= 0.002] or paths[:1]
    if not paths:
        return None
    lines = []
    for option, of_option in parts.items():
        shown = [path for path in paths if path in of_option]
        if shown:
            group = f"{contender} {option.replace(', ', ' ')}" if option else ""
            colour = colours.given.get(group, GREY) if option else GREY
            lines.append(Line(option, [of_option[path] for path in shown], shown, colour, "bars"))
    lines.sort(key=lambda line: max(paths.index(str(y)) for y in line.y) if not line.label else -1)
    return Chart(
        f"importances_{label}",
        f"{label}: share of the goal's variance",
        _in_order(lines, paths),
        x_label="share of the variance",
        height=110 + 30 * len(paths),
    )


def _in_order(lines: list[Line], paths: list[str]) -> list[Line]:
    """``lines`` behind an invisible one that names all ``paths``, so that the bars stand in that order."""
    return [Line("", [0.0] * len(paths), paths, GREY, "bars", legend=False), *lines]
