"""What a person hears of the precisions that a sweep's trials measure (see :class:`gibbsweep.train.precision.Measured`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gibbsweep.train.precision import describe_measurement, measurements


class Precisions:
    """Watches the ``folder`` of a sweep's measurements: a contender that is measured on another kind of device than before, since a sweep
    was resumed there or its machines differ, may train in another precision from then on."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._changed: dict[str, int] = {}
        self._known: dict[str, list[str]] = {}
        for path in folder.glob("*.json"):
            self.look(path.stem)

    def look(self, contender: str) -> None:
        """Say what is new of ``contender``, one of whose trials has reported."""
        path = self._folder / f"{contender}.json"
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed == self._changed.get(contender, 0):
            return
        self._changed[contender] = changed
        found = measurements(path)
        before = self._known.setdefault(contender, list(found))
        for device in [device for device in found if device not in before]:
            earlier = ", ".join(f"{found[other]['precision']} on {other}" for other in before)
            self._say(
                f"precision  ·  {contender} was measured again, on {device}: {describe_measurement(found[device])}; before, {earlier}"
            )
            before.append(device)
