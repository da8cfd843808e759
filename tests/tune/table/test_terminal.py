"""The table at the end of a sweep fits the terminal, and what it leaves out it names."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.train import Outcome
from gibbsweep.tune.table.terminal import results_table

METRICS = {f"test/m{i}": f"metric {i}" for i in range(9)}


def shown(width: int) -> list[str]:
    outcome = Outcome("completed", 100, dict.fromkeys(METRICS, 123.456), 2.0)
    row = Row.of("a_contender", "energy", {}, {}, [], {("digits", seed): outcome for seed in (1, 2)})
    results = Results("s", "Why?", "digits", "smoke", "CPU", "c0ffee", dict(METRICS), [row])
    text = io.StringIO()
    console = Console(file=text, width=width)
    console.print(results_table(results, width=width))
    return text.getvalue().splitlines()


@pytest.mark.parametrize("width", [45, 60, 80, 100, 160, 400])
def test_no_number_and_no_name_is_cut(width: int) -> None:
    head, cells, *caption = shown(width)
    assert "…" not in head + cells
    assert cells.startswith("a_contender")
    assert len(head.rstrip()) <= width
    missing = [name for name in METRICS.values() if name not in head]
    # A long caption is broken anywhere between words.
    assert (" ".join(" ".join(caption).split()) == f"and in the results file: {', '.join(missing)}") == bool(missing)
    assert cells.count("123.46") == len(METRICS) - len(missing)


def test_a_wide_terminal_has_it_all() -> None:
    assert len(shown(400)) == 2
