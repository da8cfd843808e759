"""Image grids of a trial as MLflow's time-stepped images, each exactly once."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder

if TYPE_CHECKING:
    import PIL.Image
    from mlflow import MlflowClient

THUMBNAIL = (256, 256)


def image_files(trial: Path) -> list[str]:
    """Paths below ``images/`` like ``samples/00001000.png``, in the order of their names."""
    folder = RunFolder(trial).images
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png") if path.stem.isdigit())


class ImageGrids:
    """Sends image files to one run; those that the run has already (sent just before a crash) are left alone."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._there = {Path(artifact.path).name for artifact in client.list_artifacts(run_id, "images")}

    def send(self, file: Path, path: str) -> None:
        """``path``: KEY/STEP.png, below ``images/``."""
        import PIL.Image

        key = re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", path.rpartition("/")[0] or "images")
        step = int(file.stem)
        try:
            with PIL.Image.open(file) as image:
                image.load()
                there = self._find(key, step)
                if there is None:
                    time = int(file.stat().st_mtime * 1000)
                    self._client.log_image(self._run_id, image, key=key, step=step, timestamp=time, synchronous=True)
                else:
                    self._complete(there, image.copy())
        except PIL.UnidentifiedImageError as error:
            raise UserError(f"{file} is not an image: remove it, then run `gibbsweep track sync` again") from error

    def _find(self, key: str, step: int) -> str | None:
        prefix = f"{key.replace('/', '~')}+step+{step}+timestamp+"
        found = (name for name in sorted(self._there) if name.startswith(prefix) and name.endswith(".png"))
        return next(found, None)

    def _complete(self, name: str, image: PIL.Image.Image) -> None:
        """What a crash may have cut off behind the image itself: its thumbnail, and the tag that shows images."""
        thumbnail = f"{name.removesuffix('.png')}+compressed.webp"
        if thumbnail not in self._there:
            image.thumbnail(THUMBNAIL)
            with tempfile.TemporaryDirectory() as folder:
                image.save(Path(folder) / thumbnail)
                self._client.log_artifact(self._run_id, str(Path(folder) / thumbnail), "images")
        self._client.set_tag(self._run_id, "mlflow.loggedImages", True)
