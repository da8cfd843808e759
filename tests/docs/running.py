"""Runs the Python of a page, block after block, as a person would who reads it from top to bottom."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.docs.pages import blocks

from gibbsweep.study import Study


def run_page(page: Path, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Study]:
    """Run the examples of ``page`` in ``folder``, which has data sets of its own. Returns the studies of the blocks
    that are files, by the file's name."""
    patch.chdir(folder)
    patch.setenv("GIBBSWEEP_DATA", str(folder / "data"))
    state = torch.get_rng_state()
    found = blocks(page, "python")
    files = {block.title: block.text for block in found if block.title}
    files[f"page_{page.stem.replace('-', '_')}.py"] = "\n\n".join(block.text for block in found if not block.title)
    studies: dict[str, Study] = {}
    for name, text in files.items():
        (folder / name).write_text(text)
        module = _imported(folder / name, patch)
        for study in vars(module).values():
            if isinstance(study, Study):
                studies[name] = study
    torch.set_rng_state(state)
    return studies


def _imported(path: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    patch.setitem(sys.modules, path.stem, module)  # where a dataclass looks up its annotations
    spec.loader.exec_module(module)
    return module
