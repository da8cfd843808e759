"""``python sweeps/STUDY.py``: what every study script ends with."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gibbsweep.cli.parse import one_sentence, parse
from gibbsweep.study import Results, Study


def run_study(study: Study, words: Sequence[str] | None = None) -> Results:
    """Parse the command line, run the sweep, print its table. Exit code 2 for a mistake, 130 after Ctrl-C."""
    from rich.console import Console

    from gibbsweep.tune.options import SweepOptions

    script = f"python {sys.argv[0]}"
    console = Console()
    with one_sentence():
        options = parse(
            SweepOptions, sys.argv[1:] if words is None else words, prog=sys.argv[0], description=study.question
        )

        from gibbsweep.tune.sweep import Interrupted, results_table, run_sweep

        try:
            results = run_sweep(study, options, console=console, command=script)
        except (Interrupted, KeyboardInterrupt) as stopped:
            console.print(str(stopped) or "interrupted before the first trial", soft_wrap=True)
            raise SystemExit(130) from None
    console.print()
    console.print(results_table(results, width=console.width))
    console.print()
    runs = "" if str(options.runs) == "runs" else f" RUNS={options.runs}"
    console.print(f"{results.wall_seconds:.0f} s  ·  see it all with: make ui{runs}", style="dim", soft_wrap=True)
    return results
