"""The memory probe: what one trial of each contender needs, measured once before several share a device.

The beginning of a run happens in a process of its own, so that its memory is returned and the driver never touches a GPU. What was
found is kept in the sweep's folder: resuming a sweep does not measure again.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.need import Need, measure
from gibbsweep.study.space import Space
from gibbsweep.train.files import write_atomically

TIMEOUT_S = 120.0
"""For one contender: a closed form that is fitted to all of the data may take much longer."""


@dataclass(frozen=True)
class Question:
    """What to measure. ``fingerprint``: all of the contender that its trials depend on."""

    contender: str
    fingerprint: Any
    assignment: Assignment
    space: Space

    def key(self, device: str) -> str:
        """By which the answer is found again: another contender, device or precision is another question."""
        asked = json.dumps([self.fingerprint, device, self.assignment.precision], sort_keys=True)
        return f"{self.contender} {hashlib.sha256(asked.encode()).hexdigest()[:16]}"


Measure = Callable[[Sequence[Question]], list[Need]]
"""Measures all of them, in any order and as many at once as it likes; the answers in the order of the questions."""


def needs(path: Path, questions: Sequence[Question], device: str, measured: Measure) -> dict[str, Need]:
    """The need of each contender, from the file ``path`` where it has an answer, else from ``measured``, which it has from then on."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    new = [question for question in questions if question.key(device) not in known]
    if new:
        for question, need in zip(new, measured(new), strict=True):
            known[question.key(device)] = asdict(need)
        write_atomically(path, json.dumps(known, indent=1).encode())
    return {question.contender: Need(**known[question.key(device)]) for question in questions}


def in_child(assignment: Assignment, space: Space, used_before: int | None = None) -> Need:
    """:func:`gibbsweep.run.need.measure` in a process of its own. ``used_before``: bytes of the GPU in use, without the child's;
    None measures no GPU."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question", Path(folder) / "answer"
        question.write_bytes(pickled((assignment, space, used_before)))
        environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        words = [sys.executable, "-m", "gibbsweep.tune.resources.probe", str(question), str(answer)]
        try:
            child = subprocess.run(
                words, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return Need(0, failed=f"it was not measured within {TIMEOUT_S:.0f} s")
        if child.returncode < 0:
            return Need(0, ran_out="host" if child.returncode == -9 else "", failed=f"signal {-child.returncode}")
        if not answer.exists():
            last = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
            return Need(0, failed=last[0])
        return Need(**json.loads(answer.read_text()))


def pickled(value: Any) -> bytes:
    """By value what comes from a script: the other process has not run it."""
    from ray import cloudpickle

    return bytes(cloudpickle.dumps(value))  # type: ignore[no-untyped-call]


def main(question: Path, answer: Path) -> None:
    """The child's whole life."""
    assignment, space, used_before = pickle.loads(question.read_bytes())
    try:
        need = measure(assignment, space, used_before=used_before)
    except UserError as error:
        need = Need(0, failed=str(error))
    answer.write_text(json.dumps(asdict(need)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
