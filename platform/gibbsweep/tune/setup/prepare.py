"""What all runs of a sweep measure with, made once before the first of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from gibbsweep.data import load
from gibbsweep.evaluate import Evaluator, Prepares, described
from gibbsweep.run.assignment import DATA_SEED, cut_batch
from gibbsweep.study.chain_ages import young_chains
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Settings


def prepare(study: Study, settings: Settings, options: SweepOptions, console: Console) -> None:
    """Make what evaluators need once for a data set (feature networks), so that no trial waits for it."""
    evaluators = all_evaluators(study, settings)
    with console.status("reading data"):
        first = load(study.views(settings.data)[0], root=options.data_root, seed=DATA_SEED, validation=study.validation)
    contenders = settings.contenders_of(study).values()
    cut = [cut_batch(at.budget, first) for at in contenders]
    for sentence in (*described(evaluators, first), *dict.fromkeys(sentence for sentence in cut if sentence)):
        console.print(f"data  ·  {sentence}", style="dim", markup=False, highlight=False, soft_wrap=True)
    for at in contenders:
        for sentence in () if settings.budget == "smoke" else young_chains(at):
            console.print(f"chains  ·  {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    phrases = set()
    for view in study.views(settings.data) if any(isinstance(e, Prepares) for e in evaluators) else ():
        dataset = load(view, root=options.data_root)
        waiting = "preparing what samples are measured with (the first time takes a minute or two)"
        with console.status(waiting), _log_on(console):
            phrases |= {e.prepare(dataset) for e in evaluators if isinstance(e, Prepares)}
    for phrase in sorted(phrases):
        console.print(f"measured with  ·  {phrase}", style="dim", markup=False, highlight=False, soft_wrap=True)


class _OnConsole(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(record.getMessage(), style="dim", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _log_on(console: Console) -> Iterator[None]:
    """Show what evaluators log: how far a training is that everything waits for."""
    logger, handler = logging.getLogger("gibbsweep.evaluate"), _OnConsole(console)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def all_evaluators(study: Study, settings: Settings) -> list[Evaluator]:
    """The evaluators of all contenders, each once, in the contenders' order."""
    contenders = settings.contenders_of(study).values()
    return list(dict.fromkeys(e for at in contenders for e in (*at.evaluators, *at.final_evaluators)))
