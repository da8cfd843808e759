"""What the table of a finished sweep is in MLflow: numbers of the sweep's own run, and its description."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from gibbsweep.folder import SweepFolder
from gibbsweep.results.results import Results
from gibbsweep.track.mirror.describe import MAX_TAG, valid_name

MOST_METRICS = 900
"""The most numbers of a table that are sent, in one request."""

log = logging.getLogger("gibbsweep.track")


def table_file(sweep_dir: Path) -> Path | None:
    """The file with the results of the sweep; None while there is none."""
    return next(iter(sorted(SweepFolder(sweep_dir).results.glob("*.json"))), None)


def read_table(path: Path) -> Results | None:
    """The results in ``path``; None, with a line in the log, where they cannot be read: the file itself is sent."""
    try:
        return Results.from_json(path.read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is not sent as numbers: %s", path, error)
        return None


def table_metrics(results: Results) -> dict[str, float]:
    """The mean of each column and row, such as ``rbm k:10/test/log_likelihood``, and what a row cost and how often it
    diverged."""
    metrics: dict[str, float] = {}
    for row in results.rows:
        label = valid_name(row.label.replace("=", ":").replace("(", "").replace(")", ""))
        numbers = {column: row.metrics[column].mean for column in results.columns if column in row.metrics}
        numbers |= {"device_seconds": row.device_seconds, "diverged_share": row.diverged_share}
        metrics |= {valid_name(f"{label}/{name}"): value for name, value in numbers.items() if math.isfinite(value)}
    return dict(list(metrics.items())[:MOST_METRICS])


def description(results: Results, run_id: str, files: Sequence[str]) -> str:
    """What MLflow shows above the sweep's own run, as Markdown: the question, what the study found, the table and a
    picture of ``files``, the artifacts of the run with that id."""
    facts = f"data `{results.data}` · budget `{results.budget}` · {results.device} · {results.wall_seconds:.0f} s"
    header = results.header()
    table = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    table += [f"| {' | '.join(cells)} |" for cells in results.cells()]
    parts = [results.question, facts, "\n".join(table), *(f"- {finding}" for finding in results.findings)]
    page = next((name for name in files if name.endswith("report.html")), "")
    if page:
        parts.append(f"The whole page of the sweep, with its figures: `{page}` among the artifacts.")
    if picture := _picture(files):
        # MLflow's page and its artifacts have one server, so that the address needs no host.
        parts.insert(3, f"![{picture}](get-artifact?path={quote(picture, safe='')}&run_uuid={run_id})")
    text = ""
    for part in parts:  # whole parts alone: half a table is none
        if len(text) + len(part) + 2 <= MAX_TAG:
            text = f"{text}\n\n{part}" if text else part
    return text


def _picture(files: Sequence[str]) -> str:
    """The grid of samples where there is one, else a figure; "" without pictures."""
    pictures = [name for name in files if name.endswith(".png")]
    return next((name for name in pictures if "samples" in name), next(iter(pictures), ""))
