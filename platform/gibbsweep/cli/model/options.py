"""The options by which every command here finds its run."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.use.model import Model


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options by which a run is found."""

    run: Positional[str]
    """The run's folder, SWEEP:RUN, or SWEEP:CONTENDER for the best run of a contender (SWEEP:rbm,k=25 for one
    option)."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""
    study: OrDefault[Path] = None
    """Script of the study, if the run is of a class that the script defines; it is imported."""
    device: OrDefault[str] = None
    """Where to compute: cpu, cuda, ... (default: a GPU where there is one)."""

    def load(self) -> Model:
        """The run that the options name, loaded."""
        import torch

        from gibbsweep.use.find import find_run
        from gibbsweep.use.model import load

        path = find_run(self.run, self.runs)
        if str(path) != self.run.rstrip("/"):
            say([f"{self.run} is {path}"])
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        return load(path, study=self.study, device=device)


def say(sentences: Iterable[str]) -> None:
    """Print ``sentences`` about what was done beside the results, on standard error."""
    for sentence in sentences:
        print(sentence, file=sys.stderr, flush=True)
