"""The studies of sweeps/, imported by their files."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


@cache
def module_of(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"study_script_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a script's dataclass looks up its annotations
    spec.loader.exec_module(module)
    return module
