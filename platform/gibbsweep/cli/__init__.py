"""The command line: ``python sweeps/STUDY.py`` and ``gibbsweep``."""

from gibbsweep.cli.operating_system import refuse_windows

refuse_windows()  # before the modules that are not there, of which Python would speak

from gibbsweep.cli.main import main
from gibbsweep.cli.study import run_study, run_study_of

__all__ = ["main", "run_study", "run_study_of"]
