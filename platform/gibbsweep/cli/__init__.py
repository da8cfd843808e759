"""The command line: ``python sweeps/STUDY.py`` and ``gibbsweep``."""

from gibbsweep.cli.main import main
from gibbsweep.cli.study import run_study

__all__ = ["main", "run_study"]
