"""The memory probe: measures what one trial of each contender needs, once, before several share a device.

The beginning of a run happens in a process of its own, so that its memory is returned and the driver never touches a
GPU. The measurements are kept in the sweep's folder, so that a resumed sweep does not repeat them."""

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
from gibbsweep.folder import write_atomically
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.memory_need import MemoryNeed, measure_memory
from gibbsweep.study.space import Space

TIMEOUT_S = 300.0
"""Seconds that the measurement of one contender may take: a closed form that is fitted to all of the data may need far
more."""


@dataclass(frozen=True)
class Question:
    """A question to the probe: how much memory does a trial of this contender need?"""

    contender: str
    """Its name."""
    fingerprint: Any
    """Everything of the contender that its trials depend on, as JSON."""
    assignment: Assignment
    """The run of one worker."""
    space: Space
    """The contender's search space; its largest configuration is measured."""

    def key(self, device: str) -> str:
        """The key of the answer in the file: another contender, device or precision is another question."""
        identity = json.dumps([self.fingerprint, device, self.assignment.precision], sort_keys=True)
        return f"{self.contender} {hashlib.sha256(identity.encode()).hexdigest()[:16]}"


Measure = Callable[[Sequence[Question]], list[MemoryNeed]]
"""Answers all questions, in their order; it may measure in any order, and as many at once as it likes."""


def needs(path: Path, questions: Sequence[Question], device: str, measure_all: Measure) -> dict[str, MemoryNeed]:
    """The need of each contender: from the file ``path`` where it has an answer, else from ``measure_all``, whose
    answers are then written there."""
    answers: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    new = [question for question in questions if question.key(device) not in answers]
    if new:
        for question, need in zip(new, measure_all(new), strict=True):
            answers[question.key(device)] = asdict(need)
        write_atomically(path, json.dumps(answers, indent=1).encode())
    return {question.contender: MemoryNeed(**answers[question.key(device)]) for question in questions}


def measure_in_child(assignment: Assignment, space: Space, used_before: int | None = None) -> MemoryNeed:
    """Call :func:`gibbsweep.run.memory_need.measure_memory` in a process of its own. ``used_before``: bytes of the GPU
    in use by others than the child; None measures no GPU."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question", Path(folder) / "answer"
        question.write_bytes(pickle_by_value((assignment, space, used_before)))
        environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        words = [sys.executable, "-m", "gibbsweep.tune.resources.probe", str(question), str(answer)]
        try:
            child = subprocess.run(
                words, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return MemoryNeed(0, failed=f"it was not measured within {TIMEOUT_S:.0f} s")
        if child.returncode < 0:
            return MemoryNeed(0, ran_out="host" if child.returncode == -9 else "", failed=f"signal {-child.returncode}")
        if not answer.exists():
            last_line = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
            return MemoryNeed(0, failed=last_line[0])
        return MemoryNeed(**json.loads(answer.read_text()))


def pickle_by_value(value: Any) -> bytes:
    """Pickle ``value`` with the definitions that come from a script, as the other process has not run that script."""
    from ray import cloudpickle

    return bytes(cloudpickle.dumps(value))  # type: ignore[no-untyped-call]


def main(question: Path, answer: Path) -> None:
    """Measure as the file ``question`` says and write the need to ``answer``: all that the child process does."""
    assignment, space, used_before = pickle.loads(question.read_bytes())
    try:
        need = measure_memory(assignment, space, used_before=used_before)
    except UserError as error:
        need = MemoryNeed(0, failed=str(error))
    answer.write_text(json.dumps(asdict(need)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
