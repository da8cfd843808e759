"""Tells a person which precisions a sweep's trials measured (see :class:`gibbsweep.train.precision.Measured`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gibbsweep.train.precision import describe_measurement, measurements


class Precisions:
    """Watches the ``folder`` of a sweep's measurements. A contender that is measured again on another kind of device,
    because the sweep was resumed there or its machines differ, may train in another precision from then on. A person is
    told of it.

    For example::

        precisions = Precisions(sweep.precision, say=print)
        precisions.look("rbm")  # prints a sentence if rbm was measured again
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._changed: dict[str, int] = {}
        self._measured_on: dict[str, list[str]] = {}
        for path in folder.glob("*.json"):
            self.look(path.stem)

    def look(self, contender: str) -> None:
        """Say what is new about ``contender``, one of whose trials has reported."""
        path = self._folder / f"{contender}.json"
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed == self._changed.get(contender, 0):
            return
        self._changed[contender] = changed
        measured = measurements(path)
        before = self._measured_on.setdefault(contender, list(measured))
        for device in [device for device in measured if device not in before]:
            earlier = ", ".join(f"{measured[other]['precision']} on {other}" for other in before)
            self._say(
                f"precision  ·  {contender} was measured again, on {device}: "
                f"{describe_measurement(measured[device])}; before, {earlier}"
            )
            before.append(device)
