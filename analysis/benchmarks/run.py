"""The cost of trainings, both sides of each ratio in one run, on one thread: ``make bench``.

It prints the table and writes ``analysis/results/benchmarks.{md,json}``. Absolute times belong to the machine; ratios
carry over better. ``--only rbm_cd`` runs one benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import conv_cd
import logging_cost
import rbm_cd

from gibbsweep.run.provenance import device_name, git_commit

BENCHMARKS: dict[str, Callable[[], Sequence[Mapping[str, object]]]] = {
    "rbm_likelihood": rbm_cd.measure_likelihood,
    "rbm_cd": rbm_cd.measure,
    "conv_cd": conv_cd.measure,
    "logging_cost": logging_cost.measure,
}
RESULTS = Path(__file__).resolve().parents[1] / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(BENCHMARKS), help="run one benchmark, write no results")
    chosen = parser.parse_args().only
    rows: list[dict[str, object]] = []
    for name, measure in BENCHMARKS.items():
        if chosen in (None, name):
            rows += [{"benchmark": name, **row} for row in measure()]
    lines = [
        "| benchmark | what (milliseconds, unless it says otherwise) | ours | reference | ratio | goal |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['benchmark']} | {row['what']} | {row.get('ours_ms', row.get('ours')):.2f} | "
            f"{row.get('reference_ms', row.get('reference')):.2f} | {_compared(row)} | {row['goal']} |"
            for row in rows
        ),
    ]
    print("\n".join(lines))
    if chosen is None:
        record = {"device": device_name("cpu"), "commit": git_commit(), "rows": rows}
        (RESULTS / "benchmarks.json").write_text(json.dumps(record, indent=1) + "\n")
        head = (
            f"# Benchmarks\n\n{record['device']}, one thread, commit `{git_commit()[:12]}`; "
            "medians, both sides in one run.\n"
        )
        (RESULTS / "benchmarks.md").write_text(head + "\n" + "\n".join(lines) + "\n")


def _compared(row: Mapping[str, object]) -> str:
    """The comparison of a row as text: times by their ratio, likelihoods by their difference."""
    return f"{row['ratio']:.3g}" if "ratio" in row else f"{row['difference']:+.2f}"


if __name__ == "__main__":
    main()
