"""A table, and the runs behind it, as files for a paper or for other programs: CSV, LaTeX, Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gibbsweep.results.answer import measured_goals, short_names
from gibbsweep.results.results import Results
from gibbsweep.results.statistic import Statistic

if TYPE_CHECKING:
    import pyarrow as pa

Line = dict[str, Any]
"""A line of a file: its values by column."""


def table_lines(results: Results) -> list[Line]:
    """A line for each row of ``results``: what it is, mean, standard deviation and number of seeds of each column of
    the table and of each goal, its trials, its cost and its best configuration (``config.PATH``)."""
    metrics = list(dict.fromkeys([*(metric for metric, _ in measured_goals(results)), *results.columns]))
    return [
        {
            "row": row.label,
            "contender": row.contender,
            "kind": row.kind,
            **{key: value for metric in metrics for key, value in _statistic(metric, row.metrics.get(metric)).items()},
            "trials": row.trials,
            "trials_to_the_end": row.tuning.to_the_end if row.tuning is not None else None,
            "diverged_share": row.diverged_share,
            "updates": row.updates,
            "device_seconds": row.device_seconds,
            **{f"config.{path}": _plain(value) for path, value in row.best_config.items()},
        }
        for row in results.rows
    ]


def _statistic(metric: str, statistic: Statistic | None) -> Line:
    values = (None, None, None) if statistic is None else (statistic.mean, statistic.sd, statistic.n)
    return dict(zip((metric, f"{metric} sd", f"{metric} n"), values, strict=True))


def _plain(value: Any) -> Any:
    """``value`` as a file of plain values has it: a tuple as its text."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def as_csv(lines: Sequence[Line]) -> str:
    """``lines`` as CSV below a header; what a line lacks is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_columns(lines), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_parquet(lines: Sequence[Line]) -> bytes:
    """``lines`` as a Parquet file; what a line lacks is null, and a column of several types is text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({name: _array(lines, name) for name in _columns(lines)}), buffer)
    return buffer.getvalue()


def _array(lines: Sequence[Line], name: str) -> pa.Array:
    import pyarrow as pa

    values = [line.get(name) for line in lines]
    types = {type(value) for value in values if value is not None}
    if types == {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array(values if len(types) < 2 else [None if value is None else str(value) for value in values])


def _columns(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line))


def as_latex(results: Results) -> str:
    """The table of ``results`` for LaTeX with the package booktabs: mean ± standard deviation, seeds, trials and
    device-seconds of each row. A comment says where the numbers come from."""
    names = short_names(results.rows)
    alone = len({row.contender for row in results.rows}) == 1
    header = [
        results.rows[0].contender if alone and results.rows else "contender",
        *results.columns.values(),
        "$n$",
        "trials",
        "seconds",
    ]
    seeds = [max((s.n for key, s in row.metrics.items() if key in results.columns), default=0) for row in results.rows]
    lines = [
        f"% {results.study}: {results.question}",
        f"% data {results.data}, budget {results.budget}, commit {results.commit}",
        "% mean and standard deviation over n seeds of the best of so many trials; needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        "\\toprule",
        f"{' & '.join([_escaped(header[0]), *map(_heading, header[1:])])} \\\\",
        "\\midrule",
    ]
    for row, n in zip(results.rows, seeds, strict=True):
        cells = [_escaped(names[row.label]), *(_number(row.metrics.get(column)) for column in results.columns)]
        cells += [str(n) if n else "--", str(row.trials) if row.trials else "--", f"{row.device_seconds:.1f}"]
        lines.append(f"{' & '.join(cells)} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _heading(text: str) -> str:
    return text if text == "$n$" else _escaped(text)


def _number(statistic: Statistic | None) -> str:
    if statistic is None:
        return "--"
    mean, _, deviation = str(statistic).partition(" ± ")
    return f"${mean} \\pm {deviation}$" if deviation else f"${mean}$"


_SPECIAL: Mapping[str, str] = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
    "<": "$<$",
    ">": "$>$",
    "±": "$\\pm$",
}


def _escaped(text: str) -> str:
    """``text`` with the signs that LaTeX reads as more than text written out."""
    return re.sub(r"[&%$#_{}~^\\<>±]", lambda match: _SPECIAL[match[0]], text)
