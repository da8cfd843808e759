"""The exceptions for the person at the keyboard."""

from __future__ import annotations

import errno
import os

__all__ = ["DiskFull", "UserError", "is_disk_full"]

_FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(Exception):
    """A mistake that a user can mend, as one sentence: what was got, what was expected, what to do. The command line
    prints it and exits with code 2::

        raise UserError(f"--seeds must be at least 0: got {seeds}.")
    """


class DiskFull(UserError):
    """The error that no space is left on a disk. What was to be written is absent, or as it was before; once there is
    space, the same command goes on."""


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` means that no space is left on a disk, or none of a user's share of it: by its number, or by
    the system's text in another library's message."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    return isinstance(error, DiskFull) or any(os.strerror(code) in str(error) for code in _FULL)
