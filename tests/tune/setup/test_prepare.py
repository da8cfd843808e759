"""What stands on the terminal before the first run."""

from __future__ import annotations

import io
import logging

from rich.console import Console

from gibbsweep.tune.setup.prepare import _log_on


def test_what_evaluators_log_is_shown_while_a_sweep_waits_for_them_and_not_after() -> None:
    text, logger = io.StringIO(), logging.getLogger("gibbsweep.evaluate.features.classifier")
    before = logging.getLogger("gibbsweep.evaluate").level
    with _log_on(Console(file=text)):
        logger.info("classifier of %s: %d of %d updates, 9 s", "letters[A-J]", 250, 1000)
    logger.info("later")
    assert text.getvalue() == "classifier of letters[A-J]: 250 of 1000 updates, 9 s\n"
    assert logging.getLogger("gibbsweep.evaluate").level == before
