"""The cause of an error that ended a trial's process, as far as Ray and the kernel say."""

from __future__ import annotations

from pathlib import Path

from ray.exceptions import ObjectLostError, RayActorError, RaySystemError, RayTaskError
from ray.exceptions import OutOfMemoryError as EndedByMonitor
from ray.tune import TuneError
from ray.tune.experiment import Trial

from gibbsweep.train.out_of_memory import OutOfMemory, causes, first_line, memory_of
from gibbsweep.tune.on_ray.retries import Death
from gibbsweep.tune.resources.memory import kills_so_far
from gibbsweep.tune.resources.shortage import read_shortage


class Deaths:
    """Finds out why trials of Tune's failed, once for each trial.

    A process that is gone without a message was killed for lack of memory if the kernel of this machine has counted
    such a kill since the sweep began that no earlier death explains.

    Tune keeps the error of a trial only in a pickle file, in a folder that other users of the machine may write to. The
    error is therefore taken when Tune handles it, and no file is unpickled.

    For example::

        deaths = Deaths()
        deaths.listen(trial)  # when Tune adds the trial
        deaths.of(trial)  # after its error: Death("the kernel killed its process for lack of memory", "host")
    """

    def __init__(self) -> None:
        self._kills = kills_so_far()
        self._errors: dict[str, BaseException | None] = {}

    def listen(self, trial: Trial) -> None:
        """Keep the error of ``trial`` when Tune handles it."""
        trial.handle_error = _Listener(trial, self._errors)  # type: ignore[method-assign]

    def of(self, trial: Trial) -> Death:
        """Why ``trial``, which has just failed, did so."""
        error = self._errors.pop(trial.trial_id, None)
        ended = next((one for one in causes(error) if isinstance(one, EndedByMonitor)), None) if error else None
        if ended is not None:
            return Death(first_line(ended), "host", shortage=read_shortage(str(ended)))
        if not isinstance(error, RayTaskError | RayActorError):  # from Ray itself
            text = Path(trial.error_file).read_text() if trial.error_file else ""
            lines = [line for line in text.splitlines() if line and not line.startswith("Failure #")]
            message = lines[0] if lines else "its process ended"
            return Death(message, memory_of(RuntimeError(text)))
        memory = memory_of(error)
        if memory is not None:
            return Death(_what(error), memory)
        if isinstance(error, RayActorError) and error.actor_init_failed:  # its code could not be loaded
            return Death(str(error).strip().splitlines()[-1], raised=True)
        if any(isinstance(one, RayActorError) for one in causes(error)):
            if kills_so_far() > self._kills:
                self._kills += 1
                return Death("the kernel killed its process for lack of memory", "host")
            return Death("its process was killed, or crashed", silent=True)
        lost = any(isinstance(one, ObjectLostError) for one in causes(error))  # its machine was lost
        return Death(_what(error), raised=isinstance(error, RayTaskError | RaySystemError) and not lost)


class _Listener:
    """Replaces ``Trial.handle_error``: it keeps the error, then lets Tune handle it."""

    def __init__(self, trial: Trial, errors: dict[str, BaseException | None]) -> None:
        self._trial, self._errors = trial, errors

    def __call__(self, exc: TuneError | RayTaskError | RayActorError | None = None) -> None:
        self._errors[self._trial.trial_id] = exc
        type(self._trial).handle_error(self._trial, exc)

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()  # Tune saves its trials; this object must not be saved with them


def _what(error: BaseException) -> str:
    """The message of ``error`` in one line, without the task error that Ray wraps around it."""
    messages = [one.what for one in causes(error) if type(one) is OutOfMemory]
    cause = getattr(error, "cause", None)
    return messages[0] if messages else first_line(cause if isinstance(cause, BaseException) else error)
