"""Records the picture of a sweep that the README and the first page show: its terminal under way, and its table.

    python docs/generate/record_sweep.py docs/images/sweep.svg --data digits --trials 9 --scheduler halving

The words after the file are those of ``python sweeps/cd_k.py``. What is drawn is what the terminal had.
"""

from __future__ import annotations

import io
import re
import runpy
import shlex
import sys
from pathlib import Path

from rich.console import Console, Group, RenderableType

import gibbsweep.tune.sweep
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.table.terminal import results_table

WIDTH = 112
UNDER_WAY = 0.5
"""The largest share of the runs that have ended when the display is drawn."""
SCRIPT = Path(__file__).resolve().parents[2] / "sweeps" / "cd_k.py"


class Recorded(Progress):
    """A live display that keeps its last picture before more than half of the runs had ended."""

    under_way: RenderableType = Group()

    def _picture(self) -> Group:
        picture = super()._picture()
        if len(self._plan.outcomes) <= UNDER_WAY * self._plan.total:
            type(self).under_way = picture
        return picture


def record(file: Path, words: list[str]) -> None:
    """Run the sweep that ``words`` ask for, and draw it to ``file``."""
    from gibbsweep.cli.shell.parse import parse

    study = runpy.run_path(str(SCRIPT), run_name="imported")["STUDY"]
    head = Console(record=True, file=io.StringIO(), force_terminal=True, width=WIDTH, height=40)
    gibbsweep.tune.sweep.Progress = Recorded  # type: ignore[misc]
    options = parse(SweepOptions, words, prog=str(SCRIPT), description="")
    results = gibbsweep.tune.sweep.run_sweep(study, options, console=head, command="python sweeps/cd_k.py")
    shown = Console(record=True, file=io.StringIO(), force_terminal=True, width=WIDTH)
    shown.print(f"$ python sweeps/cd_k.py {shlex.join(words)}", style="bold green", highlight=False)
    shown.print(Recorded.under_way, no_wrap=True)
    shown.print(f"\n... and {results.wall_seconds:.0f} s after its start:\n", style="dim", highlight=False)
    shown.print(results_table(results, width=WIDTH))
    file.write_text(without_network(shown.export_svg(title="python sweeps/cd_k.py")))


def without_network(svg: str) -> str:
    """``svg`` as Rich draws it, in a font of the reader's machine instead of one that a browser would fetch."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
