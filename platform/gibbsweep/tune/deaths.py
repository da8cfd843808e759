"""Why a trial's process ended with an error, as far as Ray and the kernel say."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

from ray.exceptions import ObjectLostError, RayActorError, RaySystemError, RayTaskError
from ray.tune.experiment import Trial

from gibbsweep.train.out_of_memory import Memory, OutOfMemory, causes, first_line, memory_of
from gibbsweep.tune.available import kills_so_far


@dataclass(frozen=True)
class Death:
    """``memory``: what ran out, if that is known. ``silent``: its process is gone without a word, which the kernel of another
    machine may have done. ``raised``: it is an error of what the process did, not of the process or its machine."""

    message: str
    memory: Memory | None = None
    silent: bool = False
    raised: bool = False


class Deaths:
    """Each death is told once. A process that is gone without a word was killed for lack of memory if the kernel of this machine
    has counted such a kill since the sweep began that no death has been put down to yet."""

    def __init__(self) -> None:
        self._kills = kills_so_far()

    def of(self, trial: Trial) -> Death:
        """That of a trial of Tune's, which has just failed."""
        error = _error(trial)
        if error is None:  # not an error of a task or an actor: Ray's memory monitor, or Ray itself
            text = Path(trial.error_file).read_text() if trial.error_file else ""
            lines = [line for line in text.splitlines() if line and not line.startswith("Failure #")]
            message = lines[0] if lines else "its process ended"
            return Death(message, memory_of(RuntimeError(text)))
        memory = memory_of(error)
        if memory is not None:
            return Death(_what(error), memory)
        if any(isinstance(one, RayActorError) for one in causes(error)):
            if kills_so_far() > self._kills:
                self._kills += 1
                return Death("the kernel killed its process for lack of memory", "host")
            return Death("its process was killed, or crashed", silent=True)
        lost = any(isinstance(one, ObjectLostError) for one in causes(error))  # with the machine that had it
        return Death(_what(error), raised=isinstance(error, RayTaskError | RaySystemError) and not lost)


def _error(trial: Trial) -> BaseException | None:
    """The error of a task or an actor, as Tune has just written it beside the trial's own files."""
    path = trial.pickled_error_file
    if path is None or not Path(path).exists():
        return None
    found = pickle.loads(Path(path).read_bytes())
    return found if isinstance(found, BaseException) else None


def _what(error: BaseException) -> str:
    """In one line, without the task that Ray puts around it."""
    said = [one.what for one in causes(error) if type(one) is OutOfMemory]
    cause = getattr(error, "cause", None)
    return said[0] if said else first_line(cause if isinstance(cause, BaseException) else error)
