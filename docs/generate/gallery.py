"""The gallery: a page for each study of ``analysis/results``, made from its numbers, pictures and sounds.

The answer is ``docs/gallery/answers/STEM.md`` where someone has written one, else the findings of the table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row

OWN_OPTIONS = {"binary_classification_all": "--classes all", "score_matching_1d_mixture": "--density gauss1d"}
"""Options with which a script made the results of a name that is not its own."""


def gallery_pages(root: Path) -> dict[str, str]:
    """The pages by their paths, the index among them."""
    results = _results(root / "analysis" / "results")
    pages = {f"gallery/{stem}.md": _page(root, stem, table, results) for stem, table in results.items()}
    return {"gallery/index.md": _index(root, results), **pages}


def _results(folder: Path) -> dict[str, Results]:
    """The tables of studies by the stem of their files. Measurements of the engine have no study and are left out."""
    tables = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        if "study" in record and "rows" in record:
            tables[path.stem] = Results.from_json(path.read_text())
    return tables


def _page(root: Path, stem: str, table: Results, others: dict[str, Results]) -> str:
    pictures = _files(root, stem, others, ".png")
    sounds = _files(root, stem, others, ".wav")
    command = command_of(root, stem, table)
    parts = [
        f"# {stem}",
        f"**{table.question}**",
        _answer(root, stem, table),
        _numbers(table.header(), table.cells()),
        _caption(table),
        *([table.note] if table.note else []),
        *([_bullets(table.tuning())] if table.tuning() else []),
        *([f"{table.accounting}."] if table.accounting else []),
        *(_picture(stem, name) for name in pictures),
        *(
            f'{_title(name.removeprefix(stem))}: <audio controls preload="none" src="{name}"></audio>'
            for name in sounds
        ),
        *([_verdicts(table)] if table.verdicts else []),
        *([_findings(table)] if table.findings and _written(root, stem) else []),
        *_configurations(table.rows),
        "## Again",
        f"```sh\n{command}\n```",
        f"The script: `{_script(root, table.study).relative_to(root)}`. The numbers: `analysis/results/{stem}.json`.",
        *(["The notebook: `analysis/01_cd_k.ipynb`."] if stem == "cd_k" else []),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _index(root: Path, results: dict[str, Results]) -> str:
    parts = [
        "# Gallery",
        (
            "What the studies of the repository found: a page each, with the answer, pictures, the table, what the "
            "best configurations differ in, and the command that makes it again. [How these numbers are measured]"
            "(../numbers/index.md) says what they are, and what they are not."
        ),
    ]
    groups: dict[str, list[str]] = {"Energies": [], "Scores and diffusion": []}
    for stem, table in results.items():
        energies = any(row.kind == "energy" for row in table.rows)
        groups["Energies" if energies else "Scores and diffusion"].append(stem)
    for title, stems in groups.items():
        rows = []
        for stem in stems:
            pictures = _files(root, stem, results, ".png")
            thumbnail = f"![]({pictures[0]}){{ .thumbnail loading=lazy }}" if pictures else ""
            sentence = _answer(root, stem, results[stem]).split("\n\n")[0].replace("\n", " ")
            rows.append([f"[{stem}]({stem}.md)<br>{thumbnail}", f"*{results[stem].question}* {sentence}"])
        parts += [f"## {title}", _table(["study", "question and answer"], rows)]
    return "\n\n".join(parts) + "\n"


def command_of(root: Path, stem: str, table: Results) -> str:
    """The command that makes these results again, with whatever decides them spelt out."""
    words = ["python", str(_script(root, table.study).relative_to(root)), "--budget", table.budget]
    if stem in OWN_OPTIONS:
        words.append(OWN_OPTIONS[stem])
    elif table.stem != table.study:
        words += ["--data", table.data]
    words += ["--trials", str(max(row.trials for row in table.rows))]
    words += ["--seeds", str(max(len(row.seeds) for row in table.rows))]
    names = list(dict.fromkeys(row.contender for row in table.rows))
    return " ".join([*words, "--contenders", *names])


def _script(root: Path, study: str) -> Path:
    """The script of a study; of the study of an option, the one whose name it begins with."""
    scripts = {path.stem: path for path in (root / "sweeps").rglob("*.py")}
    return scripts[max((name for name in scripts if study.startswith(name)), key=len)]


def _files(root: Path, stem: str, others: dict[str, Results], suffix: str) -> list[str]:
    """The names of the pictures or sounds of ``stem``, none of which belong to a table with a longer name."""
    longer = [other for other in others if other != stem and other.startswith(f"{stem}_")]
    found = (root / "analysis" / "results").glob(f"{stem}_*{suffix}")
    return sorted(f.name for f in found if not any(f.name.startswith(f"{other}_") for other in longer))


def _written(root: Path, stem: str) -> Path | None:
    path = root / "docs" / "gallery" / "answers" / f"{stem}.md"
    return path if path.exists() else None


def _answer(root: Path, stem: str, table: Results) -> str:
    written = _written(root, stem)
    if written is not None:
        return written.read_text().strip()
    if table.findings:
        return " ".join(table.findings[:3])
    return f"{len(table.rows)} rows, measured at the budget `{table.budget}`: the table has the answer."


def _picture(stem: str, name: str) -> str:
    title = _title(name.removeprefix(stem))
    return f"![{title}]({name}){{ loading=lazy }}\n\n{title}\n{{ .caption }}"


def _title(name: str) -> str:
    return name.strip("_").removesuffix(".png").removesuffix(".wav").replace("_", " ")


def _caption(table: Results) -> str:
    source = f" ({table.source})" if table.source else ""
    restarts = " `restarts` counts those after a divergence, in all runs of the row." if _restarted(table) else ""
    return (
        f"Data `{table.data}`{source}, budget `{table.budget}`, {table.device}, commit `{table.commit[:12]}`, "
        f"{table.wall_seconds:.0f} s in all. Numbers are the mean ± standard deviation over the seeds of the best "
        "configuration's retraining, on the test split; `trials` are those of the row's search (in brackets: trained "
        "to the end), `diverged` is the share of all runs, `seconds` the device-seconds of one retraining's updates."
        f"{restarts}\n{{ .caption }}"
    )


def _restarted(table: Results) -> bool:
    return any(row.restarts for row in table.rows)


def _verdicts(table: Results) -> str:
    rows = [[v.claim, f"{v.got:.4g}", f"{v.relation} {v.bound:.4g}", str(v.margin), v.answer] for v in table.verdicts]
    head = _table(["to beat", "got", "needed", "two errors", "beaten"], rows)
    return f"## Numbers to beat\n\n{head}\n\n`level`: within two standard errors of the difference, over the seeds."


def _findings(table: Results) -> str:
    return f"## What the table says\n\n{_bullets(table.findings)}"


def _configurations(rows: list[Row]) -> list[str]:
    """What the best configurations of one contender differ in; all of them are folded."""
    parts: list[str] = []
    searched = [row for row in rows if row.best_config]
    if not searched:
        return []
    for contender in dict.fromkeys(row.contender for row in searched):
        of_it = [row for row in searched if row.contender == contender]
        paths = dict.fromkeys(path for row in of_it for path in row.best_config)
        differing = [path for path in paths if len({_value(row, path) for row in of_it}) > 1]
        if len(of_it) > 1 and differing:
            cells = [[row.label, *(_value(row, path) for path in differing)] for row in of_it]
            parts.append(_numbers(["row", *differing], cells))
    lines = [
        f"- `{row.label}`: {', '.join(f'{path} = {_value(row, path)}' for path in row.best_config)}" for row in searched
    ]
    folded = "\n".join(['??? note "All best configurations"', "", *(f"    {line}" for line in lines)])
    head = "What the best configurations of a contender differ in:\n\n" if parts else ""
    return ["## Configurations", head + "\n\n".join(parts), folded]


def _value(row: Row, path: str) -> str:
    value: Any = row.best_config.get(path, "–")
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _numbers(header: list[str], rows: list[list[str]]) -> str:
    """A table whose cells stay on a line; a narrow page scrolls it."""
    lines = [[cell.replace(" ", "\u00a0") for cell in line] for line in (header, *rows)]
    return _table(lines[0], lines[1:])


def _bullets(sentences: list[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
