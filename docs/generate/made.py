"""The pages that are made from the repository: the gallery, the command line, the API, measurements of the engine."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The checkout's own packages, also where none or another version is installed.
sys.path[:0] = [str(ROOT / "platform"), str(ROOT / "models")]

from api import api_pages
from command_line import command_line_page
from gallery import gallery_pages

MEASUREMENTS = ("engine", "ask_cost", "time_to_quality", "benchmarks")
"""Pages of ``analysis/results`` that are of no study."""


def made_pages() -> dict[str, str]:
    """The content of each page by its path."""
    results = ROOT / "analysis" / "results"
    measured = {f"numbers/{name}.md": (results / f"{name}.md").read_text() for name in MEASUREMENTS}
    return {**gallery_pages(ROOT), **measured, "reference/command-line.md": command_line_page(), **api_pages()}


def files_of_gallery() -> list[Path]:
    """The pictures and sounds of the gallery, which lie beside its pages."""
    return sorted(path for path in (ROOT / "analysis" / "results").iterdir() if path.suffix in (".png", ".wav"))
