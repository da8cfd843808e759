"""``python sweeps/STUDY.py``: the last line of every study script."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gibbsweep.cli.parse import one_sentence, parse
from gibbsweep.errors import UserError
from gibbsweep.study import Results, Study

if TYPE_CHECKING:
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

    ``words``: the command line's, by default the program's arguments. Exit code 2 for a mistake, 130 after Ctrl-C.
    """
    return run_study_of(lambda _: study, _NoOptions, words)


def run_study_of(build: Callable[[O], Study], options: type[O], words: Sequence[str] | None = None) -> Results:
    """Do as :func:`run_study`, for a script that has options of its own.

    ``build`` makes the study from an instance of the dataclass ``options``, whose fields stand beside the sweep's
    options. A sweep remembers them, so that a resume needs none.
    """
    if _IMPORTED:
        raise UserError(
            f"{_IMPORTED[-1]} runs its sweep as soon as it is imported: put the call of run_study below "
            'if __name__ == "__main__":, so that one contender can be trained alone.'
        )
    from rich.console import Console

    from gibbsweep.tune.options.options import SweepOptions

    script = f"python {sys.argv[0]}"
    console = Console()
    with one_sentence():
        question = build(options()).question
        arguments = sys.argv[1:] if words is None else words
        sweep_options, script_options = _parse(SweepOptions, options, arguments, question)

        from gibbsweep.tune.setup.create import script_options_of
        from gibbsweep.tune.sweep import Interrupted, run_sweep
        from gibbsweep.tune.table.terminal import results_table

        recorded = script_options_of(sweep_options, script_options)
        script_options = dataclasses.replace(script_options, **recorded)  # type: ignore[type-var]
        try:
            results = run_sweep(
                build(script_options),
                sweep_options,
                console=console,
                command=script,
                script_options=vars(script_options),
            )
        except (Interrupted, KeyboardInterrupt) as stopped:
            console.print(str(stopped) or "interrupted before the first trial", soft_wrap=True)
            raise SystemExit(130) from None
    console.print()
    console.print(results_table(results, width=console.width))
    console.print()
    if results.accounting is not None:
        console.print(f"{results.accounting}", highlight=False, soft_wrap=True)
    for sentence in results.violations():
        console.print(sentence, highlight=False, soft_wrap=True)
    for verdict in results.verdicts:
        console.print(f"{verdict.answer:>12}  {verdict}", highlight=False, soft_wrap=True)
    runs = "" if str(sweep_options.runs) == "runs" else f" RUNS={sweep_options.runs}"
    console.print(f"{results.wall_seconds:.0f} s  ·  see it all with: make ui{runs}", style="dim", soft_wrap=True)
    return results


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
