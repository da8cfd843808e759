"""What a signal does to the driver of a sweep."""

from __future__ import annotations

import os
import signal

import pytest

from gibbsweep.tune.folder.driver import Terminated, terminated_as_error


def test_a_signal_is_told_also_where_it_makes_the_code_that_it_falls_into_fail() -> None:
    """As in a library that cleans up what it has not finished."""
    with pytest.raises(Terminated) as told, terminated_as_error():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Terminated:
            raise FileNotFoundError("what was to be cleaned up is gone") from None
    assert told.value.exit_code == 143
    with pytest.raises(FileNotFoundError), terminated_as_error():
        raise FileNotFoundError("no signal has come")
