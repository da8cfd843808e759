"""WAV files of a trial as artifacts of its run, which MLflow plays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.folder import RunFolder
from gibbsweep.folder.layout import SOUNDS

if TYPE_CHECKING:
    from mlflow import MlflowClient


def sound_files(trial: Path) -> list[str]:
    """Paths below ``sounds/`` like ``test/samples/00001000.wav``, in the order of their names."""
    folder = RunFolder(trial).sounds
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.wav") if path.stem.isdigit())


def send_sound(client: MlflowClient, run_id: str, trial: Path, path: str) -> None:
    """``path``: KEY/STEP.wav, below ``sounds/`` here and in the run; one that is there already is replaced by
    itself."""
    client.log_artifact(run_id, str(RunFolder(trial).sounds / path), f"{SOUNDS}/{path.rpartition('/')[0]}".rstrip("/"))
