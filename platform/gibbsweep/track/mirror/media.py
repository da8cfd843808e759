"""Pictures and sounds of a trial in its MLflow run, each exactly once: pictures as MLflow's time-stepped images,
sounds as WAV artifacts, which MLflow plays."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.folder.layout import IMAGES, SOUNDS

if TYPE_CHECKING:
    import PIL.Image
    from mlflow import MlflowClient

THUMBNAIL = (256, 256)


def image_files(trial: Path) -> list[str]:
    """The pictures of a trial as paths below ``images/``, such as ``samples/00001000.png``, sorted."""
    return _numbered_files(RunFolder(trial).images, ".png")


def sound_files(trial: Path) -> list[str]:
    """The sounds of a trial as paths below ``sounds/``, such as ``test/samples/00001000.wav``, sorted."""
    return _numbered_files(RunFolder(trial).sounds, ".wav")


class ImageGrids:
    """Sends picture files to one run::

        grids = ImageGrids(client, run_id)
        grids.send(folder.images / "samples/00001000.png", "samples/00001000.png")

    Pictures that the run has already, because they were sent just before a crash, are not sent again.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._stored = {Path(artifact.path).name for artifact in client.list_artifacts(run_id, IMAGES)}

    def send(self, file: Path, path: str) -> None:
        """Sends ``file``, whose ``path`` below ``images/`` is KEY/STEP.png. Raises UserError if it is no picture."""
        import PIL.Image

        key = re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", path.rpartition("/")[0] or IMAGES)
        step = int(file.stem)
        try:
            with PIL.Image.open(file) as image:
                image.load()
                stored_name = self._find(key, step)
                if stored_name is None:
                    time = int(file.stat().st_mtime * 1000)
                    self._client.log_image(self._run_id, image, key=key, step=step, timestamp=time, synchronous=True)
                else:
                    self._complete(stored_name, image.copy())
        except PIL.UnidentifiedImageError as error:
            raise UserError(f"{file} is not an image: remove it, then run `gibbsweep track sync` again") from error

    def _find(self, key: str, step: int) -> str | None:
        """The name of a picture in the run, or None if the run does not have it."""
        prefix = f"{key.replace('/', '~')}+step+{step}+timestamp+"
        names = (name for name in sorted(self._stored) if name.startswith(prefix) and name.endswith(".png"))
        return next(names, None)

    def _complete(self, name: str, image: PIL.Image.Image) -> None:
        """Sends what MLflow sends after a picture and a crash may have cut off: its thumbnail, and the tag by which
        MLflow shows pictures."""
        thumbnail = f"{name.removesuffix('.png')}+compressed.webp"
        if thumbnail not in self._stored:
            image.thumbnail(THUMBNAIL)
            with tempfile.TemporaryDirectory() as folder:
                image.save(Path(folder) / thumbnail)
                self._client.log_artifact(self._run_id, str(Path(folder) / thumbnail), IMAGES)
        self._client.set_tag(self._run_id, "mlflow.loggedImages", True)


def send_sound(client: MlflowClient, run_id: str, trial: Path, path: str) -> None:
    """Sends the sound ``path`` (KEY/STEP.wav) below ``sounds/`` of the trial to the same place in its run. A sound
    that the run has already is replaced by itself."""
    client.log_artifact(run_id, str(RunFolder(trial).sounds / path), f"{SOUNDS}/{path.rpartition('/')[0]}".rstrip("/"))


def _numbered_files(folder: Path, suffix: str) -> list[str]:
    paths = (path for path in folder.rglob(f"*{suffix}") if path.stem.isdigit())
    return sorted(path.relative_to(folder).as_posix() for path in paths)
