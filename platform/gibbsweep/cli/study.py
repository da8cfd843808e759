"""``python sweeps/STUDY.py``: the last line of every study script."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gibbsweep.cli.command import study_command, ui_command
from gibbsweep.cli.parse import one_sentence, parse
from gibbsweep.cli.terminal import lasting_output
from gibbsweep.errors import UserError
from gibbsweep.study import Results, Study

if TYPE_CHECKING:
    from rich.console import Console

    from gibbsweep.tune.options.options import SweepOptions

O = TypeVar("O")


_IMPORTED: list[Path] = []
"""The study scripts that are being imported, not run."""


@contextlib.contextmanager
def importing(script: Path) -> Iterator[None]:
    """A context in which ``script`` is imported for its study: a call of :func:`run_study` is refused in it."""
    _IMPORTED.append(script)
    try:
        yield
    finally:
        _IMPORTED.pop()


def run_study(study: Study, words: Sequence[str] | None = None) -> Results:
    """Parse the command line, run the sweep of ``study`` and print its table::

        if __name__ == "__main__":
            run_study(STUDY)

    ``words``: the command line's, by default the program's arguments. Exit code 1 where no run completed, 2 for a
    mistake, 130 after Ctrl-C, 143 after SIGTERM.
    """
    return _run(lambda _: study, _NoOptions, words, "run_study(STUDY, [])")


def run_study_of(build: Callable[[O], Study], options: type[O], words: Sequence[str] | None = None) -> Results:
    """Do as :func:`run_study`, for a script that has options of its own.

    ``build`` makes the study from an instance of the dataclass ``options``, whose fields stand beside the sweep's
    options. A sweep remembers them, so that a resume needs none.
    """
    return _run(build, options, words, f"run_study_of({build.__name__}, {options.__name__}, [])")


def _run(build: Callable[[O], Study], options: type[O], words: Sequence[str] | None, call: str) -> Results:
    """Do as :func:`run_study_of`. ``call``: the Python call that does the same."""
    if _IMPORTED:
        raise UserError(
            f"{_IMPORTED[-1]} runs its sweep as soon as it is imported: put the call of run_study below "
            'if __name__ == "__main__":, so that one contender can be trained alone.'
        )
    from rich.console import Console

    from gibbsweep.tune.folder.driver import terminated_as_error
    from gibbsweep.tune.options.options import SweepOptions

    with lasting_output(), one_sentence(), terminated_as_error(), _interruption_as_exit():
        console = Console()
        question = build(options()).question
        arguments = sys.argv[1:] if words is None else words
        sweep_options, script_options = _parse(SweepOptions, options, arguments, question)

        from gibbsweep.tune.options.options import check_options
        from gibbsweep.tune.setup.create import resume_if_started, script_options_of
        from gibbsweep.tune.sweep import Interrupted, run_sweep

        check_options(sweep_options)
        sweep_options = resume_if_started(sweep_options)
        recorded = script_options_of(sweep_options, script_options)
        script_options = dataclasses.replace(script_options, **recorded)  # type: ignore[type-var]
        try:
            results = run_sweep(
                build(script_options),
                sweep_options,
                console=console,
                command=study_command(words, call),
                script_options=vars(script_options),
            )
        except Interrupted as stopped:
            console.print(str(stopped), markup=False, highlight=False, soft_wrap=True)
            raise SystemExit(stopped.exit_code) from None
        _print_results(console, results, sweep_options)
        if results.nothing_completed:
            console.print(nothing_completed_sentence(results), style="bold red", markup=False, soft_wrap=True)
            raise SystemExit(1)
    return results


@contextlib.contextmanager
def _interruption_as_exit() -> Iterator[None]:
    """A context in which Ctrl-C and SIGTERM end the program with a sentence, before there is a sweep to continue."""
    try:
        yield
    except KeyboardInterrupt as stop:
        print("interrupted before the first trial")
        raise SystemExit(getattr(stop, "exit_code", 130)) from None


def nothing_completed_sentence(results: Results) -> str:
    """What a person is told of a sweep none of whose runs completed."""
    counts = Counter[str]()
    for row in results.rows:
        counts.update(row.outcomes)
    ended = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"nothing completed ({ended}): the log in each run's folder says why"


def _print_results(console: Console, results: Results, sweep_options: SweepOptions) -> None:
    """Print the table, the account, what to know of the rows, and the verdicts."""
    from gibbsweep.track.uri import redact
    from gibbsweep.tune.table.terminal import results_table

    console.print()
    console.print(results_table(results, width=console.width))
    console.print()
    if results.accounting is not None:
        console.print(f"{results.accounting}", markup=False, highlight=False, soft_wrap=True)
    for sentence in (*results.violations(), *results.tuning()):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    for verdict in results.verdicts:
        console.print(f"{verdict.answer:>12}  {verdict}", markup=False, highlight=False, soft_wrap=True)
    store = sweep_options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    where = f"at: {redact(store)}" if store else f"with: {ui_command(sweep_options.runs)}"
    last = f"{results.wall_seconds:.0f} s  ·  see it all {where}"
    console.print(last, style="dim", markup=False, highlight=False, soft_wrap=True)


@dataclasses.dataclass(frozen=True)
class _NoOptions:
    """The options of a script that has none of its own."""


def _parse(sweep: type[SweepOptions], script: type[O], words: Sequence[str], question: str) -> tuple[SweepOptions, O]:
    """The sweep's and the script's options in ``words``."""
    import tyro

    if not dataclasses.fields(script):  # type: ignore[arg-type]
        return parse(sweep, words, prog=sys.argv[0], description=question), script()
    both = dataclasses.make_dataclass(
        "Options",
        [("study", tyro.conf.OmitArgPrefixes[script]), ("sweep", tyro.conf.OmitArgPrefixes[sweep])],  # type: ignore[misc, valid-type]
        frozen=True,
    )
    parsed: Any = parse(both, words, prog=sys.argv[0], description=question)
    return parsed.sweep, parsed.study
