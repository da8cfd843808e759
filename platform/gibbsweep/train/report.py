"""Where numbers go: a reporter is called by the loop and by nothing else."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.train.files import append_whole, cut_torn_line, json_number, parse_number, write_atomically
from gibbsweep.train.repackings import read_repackings

Images = Mapping[str, NDArray[np.uint8]]
"""Picture name -> (H, W) or (H, W, 3) pixels."""


@dataclass(frozen=True)
class Sound:
    """``samples`` (L,) of one channel, ``rate`` of them a second."""

    samples: NDArray[np.int16]
    rate: int


Sounds = Mapping[str, Sound]
"""By name, like pictures."""


class Reporter(Protocol):
    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        """``metrics`` after ``step`` updates."""
        ...


class SpoolReporter:
    """Appends to ``metrics.jsonl`` and writes pictures to ``images/KEY/STEP.png`` and sounds to ``sounds/KEY/STEP.wav``: the
    record that survives everything.

    A resumed run repeats the updates since its last checkpoint; what the spool already holds is not written twice.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._path = run_dir / "metrics.jsonl"
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            self.last_step = _mend(self._path)
            # Unbuffered: what a full disk refused must not be written later, behind our back.
            self._file: IO[bytes] = open(self._path, "ab", buffering=0)  # noqa: SIM115  open for the life of the reporter
        except OSError as error:
            if is_disk_full(error):
                raise
            raise UserError(
                f"the run folder {run_dir} cannot be written ({error.strerror}): choose a writable one with --runs."
            ) from error

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        if step <= self.last_step:
            return
        write_artifacts(self._run_dir, step, images or {}, sounds or {})
        record = {"step": step, "time": time.time(), "metrics": {k: json_number(v) for k, v in metrics.items()}}
        append_whole(self._file.fileno(), json.dumps(record).encode() + b"\n")
        self.last_step = step

    def close(self) -> None:
        self._file.close()


class StdoutReporter:
    """One line a report, for a person who watches a single run: losses, speed and what validation says."""

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
    """Several reporters as one."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def __call__(
        self, step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        for reporter in self._reporters:
            reporter(step, metrics, images, sounds)


def read_spool(path: Path) -> list[tuple[int, dict[str, float]]]:
    """Every whole record of a spool as (step, metrics)."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is torn or empty
    records = [json.loads(line) for line in lines]
    return [(r["step"], {k: parse_number(v) for k, v in r["metrics"].items()}) for r in records]


def write_artifacts(run_dir: Path, step: int, images: Images, sounds: Sounds) -> None:
    """Pictures and sounds of one moment, in the run's folder."""
    for key, pixels in images.items():
        write_png(run_dir / "images" / key / f"{step:08d}.png", pixels)
    for key, sound in sounds.items():
        write_atomically(run_dir / "sounds" / key / f"{step:08d}.wav", encode_wav(sound.samples, sound.rate))


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())


def _mend(path: Path) -> int:
    """Cut a line that a kill left torn; return the last step on record (-1 for none)."""
    if not path.exists():
        return -1
    whole = cut_torn_line(path)
    if not whole:
        return -1
    return int(json.loads(whole.splitlines()[-1])["step"])


def spent(run_dir: Path) -> dict[str, Any]:
    """What a run that ended without a word of its own had spent by its last report, as fields of its outcome."""
    reports = read_spool(run_dir / "metrics.jsonl")
    last = reports[-1][1] if reports else {}
    found: dict[str, Any] = {}
    if "train/device_seconds" in last:
        found["device_seconds"] = last["train/device_seconds"]
    if "train/samples" in last:
        found["samples"] = round(last["train/samples"])
    if "train/nfe" in last:
        found["nfe"] = round(last["train/nfe"])
    if repackings := read_repackings(run_dir):
        found["repackings"] = tuple(repackings)
    return found
