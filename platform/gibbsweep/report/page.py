"""The page: sections and figures in one HTML file that asks no network for anything."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gibbsweep.errors import UserError
from gibbsweep.folder import write_atomically
from gibbsweep.report.blocks import Section, Table
from gibbsweep.report.browser import figure
from gibbsweep.report.chart import Chart
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.limits import Limits
from gibbsweep.report.ranking import best_first, quality
from gibbsweep.report.sections import sections_of


def write_page(evidence: Sequence[Evidence], path: Path) -> int:
    """Write the page of the sweeps ``evidence`` to ``path``; returns its bytes.

    write_page([read_evidence(SweepDir(Path("runs/cd_k-1")))], Path("cd_k.html"))

    Raises UserError where the file cannot be written.
    """
    content = page(evidence).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): name another file with --out."
        ) from error
    return len(content)


def page(evidence: Sequence[Evidence]) -> str:
    """The page of the sweeps ``evidence``, a part for each."""
    limits = Limits().shared_by(len(evidence))
    parts = [(one, sections_of(one, limits)) for one in evidence]
    figures: list[dict[str, Any]] = []

    def number_of(chart: Chart) -> int:
        """The place of the chart's figure among those in the page."""
        figures.append(figure(chart) | {"name": chart.name})
        return len(figures) - 1

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gibbsweep.report"),
        autoescape=True,  # names are text, never markup
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    body = environment.get_template("body.html").render(
        parts=[_Part(i, one, sections) for i, (one, sections) in enumerate(parts, 1)],
        overview=_overview(evidence) if len(evidence) > 1 else None,
        number_of=number_of,
        made=time.strftime("%Y-%m-%d %H:%M"),
    )
    return environment.get_template("page.html").render(
        title=" · ".join(one.name for one in evidence),
        style=Markup(_text("report.css")),
        script=Markup(_text("report.js")),
        plotly=Markup(_plotly() if figures else ""),
        figures=Markup(_json(figures)),
        body=Markup(body),
    )


class _Part:
    """The part of one sweep, as the template reads it."""

    def __init__(self, number: int, evidence: Evidence, sections: Sequence[Section]) -> None:
        record = evidence.record
        self.id = f"s{number}"
        self.name, self.question, self.state = evidence.name, evidence.question, evidence.state
        self.facts = [str(record[key]) for key in ("study", "data", "budget") if record.get(key)]
        self.sections = sections


def _overview(evidence: Sequence[Evidence]) -> Table:
    """A row for each sweep: what it asked, and its best."""
    rows = []
    for one in evidence:
        measure = quality(one)
        best = best_first(one, measure)[:1] if measure is not None else []
        rows.append(
            [
                one.name,
                one.question,
                str(one.record.get("data", "–")),
                str(one.record.get("budget", "–")),
                one.state,
                best[0].label if best else "–",
                f"{measure.heading} {best[0].metrics[measure.metric]}" if best and measure is not None else "–",
            ]
        )
    return Table(["sweep", "question", "data", "budget", "state", "best row", "its quality"], rows, numeric=False)


@cache
def _plotly() -> str:
    """plotly.js as the Python package has it. A script ends at the first ``</script``, also inside a text."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script.replace("</script", "<\\/script")


def _text(name: str) -> str:
    return (files("gibbsweep.report") / "templates" / name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """``value`` as JSON inside a script, where no text may end it or begin a comment of HTML."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
