"""The command line: ``python sweeps/STUDY.py`` and ``gibbsweep``.

Options and help are light; what a command needs is imported when it runs, and PyTorch takes seconds.
"""

from typing import TYPE_CHECKING

from gibbsweep.cli.shell.operating_system import refuse_windows

refuse_windows()  # before the modules that are not there, of which Python would speak

from gibbsweep.cli.main import main

if TYPE_CHECKING:
    from gibbsweep.cli.study import run_study, run_study_of

__all__ = ["main", "run_study", "run_study_of"]

if not TYPE_CHECKING:  # else every name would seem to exist

    def __getattr__(name):
        if name not in ("run_study", "run_study_of"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from gibbsweep.cli import study

        return getattr(study, name)
