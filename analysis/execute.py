"""Run notebooks from top to bottom and keep their outputs.

    python analysis/execute.py                       all of them
    python analysis/execute.py analysis/04_*.ipynb   these

Pictures that came from a file are stored smaller, as JPEG, so that a notebook stays small enough to be looked at on the
web.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parent
WIDEST = 1000
"""Pixels of a stored picture."""
LARGEST = 150_000
"""Bytes of a picture that is stored as it is."""


def smaller(png: str) -> tuple[str, str]:
    """The MIME type and the base64 text of a picture: itself, or a JPEG of at most ``WIDEST`` pixels."""
    content = base64.b64decode(png)
    if len(content) <= LARGEST:
        return "image/png", png
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.thumbnail((WIDEST, 10 * WIDEST))
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=80, optimize=True)
    return "image/jpeg", base64.b64encode(kept.getvalue()).decode()


def execute(path: Path) -> None:
    """Run the notebook ``path`` in its own folder and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times, which change with every run
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                mime, text = smaller(data.pop("image/png"))
                data[mime] = text
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    for chosen in [Path(word).resolve() for word in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        execute(chosen)
