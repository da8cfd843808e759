"""The hook of mkdocs that adds the pages made from the repository.

A folder in the navigation (``How to: how-to``) becomes the list of its pages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from made import ROOT, files_of_gallery, made_pages

FIRST = {
    "how-to": ("study", "data", "energy", "module", "metric", "search", "resume", "sweeps", "use-a-model", "report"),
    "numbers": ("speed",),
    "reference": ("command-line", "api-studies", "api-evaluators", "api-results", "api-data"),
}
"""The pages of a folder that come first, in this order; the others follow by name."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the folders of the navigation with their pages."""
    config.extra["made_pages"] = pages = made_pages()
    docs = ROOT / "docs"
    paths = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} | set(pages)
    config.nav = [_filled(entry, sorted(paths)) for entry in config.nav or []]
    return config


def _filled(entry: dict[str, str], paths: list[str]) -> dict[str, Any]:
    ((title, target),) = entry.items()
    if target.endswith(".md"):
        return entry
    first = [f"{target}/{name}.md" for name in ("index", *FIRST.get(target, ()))]
    inside = [path for path in paths if path.startswith(f"{target}/") and path.count("/") == 1]
    return {title: sorted(inside, key=lambda path: (first.index(path) if path in first else len(first), path))}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and the pictures and sounds of the gallery."""
    for path, content in config.extra["made_pages"].items():
        files.append(File.generated(config, path, content=content))
    for file in files_of_gallery():
        files.append(File.generated(config, f"gallery/{file.name}", abs_src_path=str(file)))
    return files
