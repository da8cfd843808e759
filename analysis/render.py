"""Write the pages in ``analysis/results`` again from the numbers beside them: ``python analysis/render.py``.

No number changes. A file from before tables said what they are read by gets that from the study's script.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from gibbsweep.cli.model.single import import_script
from gibbsweep.results.results import Results
from gibbsweep.study import Study

ROOT = Path(__file__).resolve().parents[1]


def studies() -> dict[str, Study]:
    """The studies of ``sweeps/``, by name."""
    found = {}
    for script in sorted((ROOT / "sweeps").rglob("*.py")):
        module = import_script(script)
        found |= {value.name: value for value in vars(module).values() if isinstance(value, Study)}
    return found


def with_goals(results: Results, study: Study | None) -> Results:
    """``results`` with the goals of its ``study``, where they lack them."""
    if results.goals or study is None:
        return results
    return replace(results, goals=study.answered_by)


def render(folder: Path) -> list[str]:
    """Write every page of results in ``folder`` again; the names of their files."""
    by_name, written = studies(), []
    for path in sorted(folder.glob("*.json")):
        try:
            results = Results.from_json(path.read_text())
        except (KeyError, TypeError):  # a benchmark's
            continue
        with_goals(results, by_name.get(results.study)).write(folder)
        written.append(path.stem)
    return written


if __name__ == "__main__":
    print("\n".join(render(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "analysis" / "results")))
