"""Standard output that outlasts its reader and shows what it can of any text."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_NO_READER = (errno.EPIPE, errno.EIO, errno.EBADF)
"""Errors of an output whose reader is gone: ``head`` has ended, a terminal or an ssh connection is closed."""


@contextmanager
def lasting_output() -> Iterator[None]:
    """A context in which no print fails: what standard output or standard error cannot take is dropped, and the program
    goes on. Signs that the output's encoding lacks become ``?``."""
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    # A stream is None where the program was started with a closed one (``>&-``).
    if sys.stdout is not None:
        sys.stdout = LastingOutput(sys.stdout)
    if sys.stderr is not None:  # often the same pipe (``2>&1 | head``), to which libraries write
        sys.stderr = LastingOutput(sys.stderr)
    try:
        yield
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    finally:
        sys.stdout, sys.stderr = before


class LastingOutput:
    """A text stream whose writes never fail::

    print("4 of 12 runs", file=LastingOutput(sys.stdout))
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text``, or drop it."""
        try:
            self._stream.write(text)
        except (OSError, ValueError) as error:
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._drop(error)

    def writelines(self, lines: list[str]) -> None:
        """Write ``lines``, or drop them."""
        for line in lines:
            self.write(line)

    def _drop(self, error: OSError | ValueError) -> None:
        if isinstance(error, ValueError):
            if not self._stream.closed:
                raise error
        elif error.errno in _NO_READER:
            # The buffer still holds the text, and Python writes it once more at its end.
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
