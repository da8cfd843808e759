"""Where numbers go: a reporter is called by the loop and by nothing else."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.folder import RunFolder, SpoolWriter, write_atomically

Images = Mapping[str, NDArray[np.uint8]]
"""Picture name -> (H, W) or (H, W, 3) pixels."""


@dataclass(frozen=True)
class Sound:
    """A sound of one channel.

    For example::

        Sound(np.zeros(8000, dtype=np.int16), rate=8000)
    """

    samples: NDArray[np.int16]
    """(L,)"""
    rate: int
    """Samples a second."""


Sounds = Mapping[str, Sound]
"""Sound name -> sound."""


class Reporter(Protocol):
    """Takes the numbers, pictures and sounds of one moment of a run."""

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        """Take ``metrics`` after ``step`` updates."""
        ...


class SpoolReporter:
    """Appends to the spool of a run's folder and writes its pictures and sounds there: the record that survives
    everything.

    A resumed run repeats the updates since its last checkpoint; what the spool already holds is not written twice.
    Raises UserError where the folder cannot be written. For example::

        with contextlib.closing(SpoolReporter(run_dir)) as report:
            train(system, data, budget, report=report, run_dir=run_dir, seed=0)
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        try:
            self._spool = SpoolWriter(RunFolder(run_dir).spool)
        except OSError as error:
            if is_disk_full(error):
                raise
            raise UserError(
                f"the run folder {run_dir} cannot be written ({error.strerror}): choose one that can be."
            ) from error

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        if step <= self.last_step:
            return
        write_artifacts(self._run_dir, step, images or {}, sounds or {})
        self._spool.append(step, metrics)

    @property
    def last_step(self) -> int:
        """Updates of the last report on record; -1 before the first."""
        return self._spool.last_step

    def close(self) -> None:
        """Close the spool."""
        self._spool.close()


class StdoutReporter:
    """Prints one line a report, for a person who watches a single run: losses, speed and what validation says.

    For example::

        run(assignment, watch=StdoutReporter(updates=assignment.budget.updates))
    """

    def __init__(self, updates: int) -> None:
        self._updates = updates

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        shown = {
            name.removeprefix("train/"): v for name, v in metrics.items() if name.endswith(("/loss", "per_second"))
        }
        shown |= {name.removeprefix("validation/"): v for name, v in metrics.items() if name.startswith("validation/")}
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
        print(f"{step:>{len(str(self._updates))}}/{self._updates}  {numbers}", file=sys.stdout, flush=True)


class Composed:
    """Several reporters as one, called in order; none of them is a reporter that does nothing.

    For example::

        Composed(SpoolReporter(run_dir), StdoutReporter(updates=1000))
    """

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        for reporter in self._reporters:
            reporter(step, metrics, images, sounds)


def write_artifacts(run_dir: Path, step: int, images: Images, sounds: Sounds) -> None:
    """Write the pictures and sounds of one moment to ``images/KEY/STEP.png`` and ``sounds/KEY/STEP.wav`` in the run's
    folder."""
    folder = RunFolder(run_dir)
    for key, pixels in images.items():
        write_png(folder.image(key, step), pixels)
    for key, sound in sounds.items():
        write_atomically(folder.sound(key, step), encode_wav(sound.samples, sound.rate))


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write ``pixels`` (H, W) or (H, W, 3) to a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())
