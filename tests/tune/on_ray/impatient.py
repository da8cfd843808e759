"""The tiny study, whose sweep waits a few seconds for memory, or as many as the environment says."""

from __future__ import annotations

import os

from tests.tiny import STUDY

from gibbsweep.cli import run_study
from gibbsweep.tune.resources import shortage

if __name__ == "__main__":
    shortage.WAIT_S = float(os.environ["WAIT_S"])
    run_study(STUDY)
