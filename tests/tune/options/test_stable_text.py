"""What a sweep is compared with its record by is the same in every process."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.tiny import STUDY

from gibbsweep.errors import UserError
from gibbsweep.evaluate import ChainGrid, LogLikelihood
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.stable_text import stable_text
from gibbsweep.tune.setup.create import create

ROOT = Path(__file__).resolve().parents[3]

RESUMED = """
import functools, math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
import sys
from tests.tiny import STUDY
from gibbsweep.evaluate import LogLikelihood
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup.create import create, reopen

def half(x, by=2): return x / by

class Plain:
    def __init__(self): self.words = {"one", "two", "three", "four"}

def times(factor): return lambda x: factor * x

@dataclass(frozen=True)
class Mine(LogLikelihood):
    weight: Callable = half
    other: Callable = lambda x: 2 * x
    partly: Callable = functools.partial(half, by=3)
    builtin: Callable = math.sqrt
    closure: Callable = times(float(sys.argv[2]))
    plain: Plain = Plain()
    names: frozenset = frozenset(["a", "b", "c", "d", "e"])

study = replace(STUDY, evaluators=(Mine(),))
changed = replace(STUDY, evaluators=(Mine(closure=times(3.0)),))
if sys.argv[1] == "start":
    create(study, SweepOptions(runs=Path(sys.argv[3]), name="s", budget="smoke"), has_gpu=False)
else:
    reopen(study, SweepOptions(runs=Path(sys.argv[3]), resume="s"))
    print("resumed", flush=True)
    reopen(changed, SweepOptions(runs=Path(sys.argv[3]), resume="s"))
"""


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, "-c", RESUMED, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_a_sweep_whose_evaluators_hold_functions_is_resumed_by_another_process(tmp_path: Path) -> None:
    done = in_a_process("start", "2", str(tmp_path))
    assert done.returncode == 0, done.stderr
    done = in_a_process("resume", "2", str(tmp_path))
    assert done.returncode == 1, "another closure is another study"
    assert "resumed" in done.stdout and "has changed since it was started" in done.stderr


@dataclass(frozen=True)
class Nested:
    inner: object = LogLikelihood(n_temperatures=7)
    steps: tuple[int, ...] = (3,)
    table: object = None


@pytest.mark.parametrize(
    "value",
    [LogLikelihood(), ChainGrid(steps=(1, 2)), Nested(), Nested(table={"a": [1, 2.5, None, "x"]}), 1.5, "x", (), []],
)
def test_a_value_without_addresses_has_its_repr(value: object) -> None:
    assert stable_text(value) == repr(value)


class Opaque:
    def __repr__(self) -> str:
        return f"<Opaque at {hex(id(self))}>"


@dataclass(frozen=True)
class Weighted(LogLikelihood):
    weight: Callable[[int], int] | object = abs


def test_what_has_no_stable_text_is_refused_when_the_sweep_is_started(tmp_path: Path) -> None:
    study = replace(STUDY, evaluators=(Weighted(weight=functools.partial(max, Opaque())),))
    with pytest.raises(UserError, match="Opaque at 0x.* could never be resumed: give Opaque a __repr__"):
        create(study, SweepOptions(runs=tmp_path, name="s", budget="smoke"), has_gpu=False)
    assert list(tmp_path.iterdir()) == []
