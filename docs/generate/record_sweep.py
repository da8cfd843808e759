"""Records the picture of a sweep that the README and the first page show: its terminal half way, and its table.

    python docs/generate/record_sweep.py docs/images/sweep.svg --trials 9 --scheduler halving

The words after the file are those of ``python sweeps/cd_k.py``. What is drawn is what the terminal had.
"""

from __future__ import annotations

import io
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
HALF_WAY = 0.5
"""The share of the runs that have ended when the display is drawn."""
SCRIPT = Path(__file__).resolve().parents[2] / "sweeps" / "cd_k.py"


class Recorded(Progress):
    """A live display that keeps the picture of the moment at which half of the runs had ended."""

    half_way: RenderableType = Group()

    def _picture(self) -> Group:
        picture = super()._picture()
        if len(self._plan.outcomes) <= HALF_WAY * self._plan.total:
            type(self).half_way = picture
        return picture


def record(file: Path, words: list[str]) -> None:
    """Run the sweep that ``words`` ask for, and draw it to ``file``."""
    from gibbsweep.cli.parse import parse

    study = runpy.run_path(str(SCRIPT), run_name="imported")["STUDY"]
    head = Console(record=True, file=io.StringIO(), force_terminal=True, width=WIDTH, height=40)
    gibbsweep.tune.sweep.Progress = Recorded  # type: ignore[misc]
    options = parse(SweepOptions, words, prog=str(SCRIPT), description="")
    results = gibbsweep.tune.sweep.run_sweep(study, options, console=head, command="python sweeps/cd_k.py")
    shown = Console(record=True, file=io.StringIO(), force_terminal=True, width=WIDTH)
    shown.print(f"$ python sweeps/cd_k.py {shlex.join(words)}", style="bold green", highlight=False)
    shown.print(Recorded.half_way, no_wrap=True)
    shown.print(f"\n... and {results.wall_seconds:.0f} s after its start:\n", style="dim", highlight=False)
    shown.print(results_table(results, width=WIDTH))
    shown.save_svg(str(file), title="python sweeps/cd_k.py")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
