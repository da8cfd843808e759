"""``python sweeps/STUDY.py``: the last line of every study script."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from gibbsweep.cli.shell.command import study_command
from gibbsweep.cli.shell.help import study_help
from gibbsweep.cli.shell.parse import one_sentence, parse
from gibbsweep.cli.shell.terminal import lasting_output
from gibbsweep.cli.sweeps.report import page_of
from gibbsweep.study import Results, Study
from gibbsweep.use.script import refuse_to_run

if TYPE_CHECKING:
    from rich.console import Console

    from gibbsweep.tune.options.options import SweepOptions

O = TypeVar("O")


def run_study(study: Study, words: Sequence[str] | None = None) -> Results:
    """Parse the command line, run the sweep of ``study`` and print its table::

        if __name__ == "__main__":
            run_study(STUDY)

    ``words``: the command line's, by default the program's arguments. Exit code 1 where no run completed, 2 for a
    mistake, 130 after Ctrl-C, 143 after SIGTERM.
    """
    return _run(lambda _: study, _NoOptions, words, "run_study(STUDY, [])", _file_of(sys._getframe(1)))


def run_study_of(build: Callable[[O], Study], options: type[O], words: Sequence[str] | None = None) -> Results:
    """Do as :func:`run_study`, for a script that has options of its own.

    ``build`` makes the study from an instance of the dataclass ``options``, whose fields stand beside the sweep's
    options. A sweep remembers them, so that a resume needs none.
    """
    call = f"run_study_of({build.__name__}, {options.__name__}, [])"
    return _run(build, options, words, call, _file_of(sys._getframe(1)))


def _file_of(frame: FrameType) -> Path | None:
    """The file of the code that called; None in a notebook."""
    file = frame.f_globals.get("__file__")
    return None if file is None or not Path(file).is_file() else Path(file)


def _run(
    build: Callable[[O], Study], options: type[O], words: Sequence[str] | None, call: str, script: Path | None
) -> Results:
    """Do as :func:`run_study_of`. ``call``: the Python call that does the same. ``script``: where it stands."""
    refuse_to_run()
    from rich.console import Console

    from gibbsweep.tune.folder.driver import terminated_as_error
    from gibbsweep.tune.options.options import SweepOptions

    with lasting_output(), one_sentence(), terminated_as_error(), _interruption_as_exit():
        console = Console()
        arguments = sys.argv[1:] if words is None else words
        if {"-h", "--help"} & set(arguments):
            study = build(options())
            print(study_help(study, SweepOptions, options, prog=sys.argv[0], width=min(console.width, 100)))
            raise SystemExit(0)
        question = build(options()).question
        sweep_options, script_options = _parse(SweepOptions, options, arguments, question)

        from gibbsweep.tune.folder.driver import add_words
        from gibbsweep.tune.options.options import check_options
        from gibbsweep.tune.setup.create import resume_if_started, script_options_of
        from gibbsweep.tune.sweep import Interrupted, run_sweep

        check_options(sweep_options)
        sweep_options = resume_if_started(sweep_options)
        recorded = script_options_of(sweep_options, script_options)
        script_options = dataclasses.replace(script_options, **recorded)  # type: ignore[type-var]
        study, command = build(script_options), study_command(words, call)
        pages: list[str] = []
        try:
            results = run_sweep(
                study,
                sweep_options,
                console=console,
                command=command,
                script_options=vars(script_options),
                script_words=_words_of(script_options),
                script=script,
                also=lambda sweep: pages.append(page_of(sweep)),
            )
        except Interrupted as stopped:
            console.print(str(stopped), markup=False, highlight=False, soft_wrap=True)
            raise SystemExit(stopped.exit_code) from None
        _print_results(console, results)
        if results.nothing_completed:
            console.print(nothing_completed_sentence(results), style="bold red", markup=False, soft_wrap=True)
            raise SystemExit(1)
        from gibbsweep.cli.sweeps.next_steps import last_lines

        for line in last_lines(study, results, sweep_options, add_words(command, _words_of(script_options))):
            console.print(line, soft_wrap=True)
        for sentence in pages:
            console.print(sentence, style="dim", markup=False, highlight=False, soft_wrap=True)
    return results


def _words_of(script_options: Any) -> list[str]:
    """The words of a command line for those of a script's own options that differ from their defaults."""
    words: list[str] = []
    for field in dataclasses.fields(script_options):
        value, default = getattr(script_options, field.name), getattr(type(script_options)(), field.name)
        if value != default:
            option = f"--{field.name.replace('_', '-')}"
            many = value if isinstance(value, tuple | list) else (value,)
            words += [option] if value is True else [option, *map(str, many)]
    return words


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


def _print_results(console: Console, results: Results) -> None:
    """Print the table, the account, what to know of the rows, and the verdicts."""
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
