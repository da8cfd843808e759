"""Lines of text for an overview, as many as fit a terminal. Details that do not fit are folded, and the last line says
so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from gibbsweep.tune.status.bars import rung_lines, trials_bar
from gibbsweep.tune.status.bests import Best, violations_message
from gibbsweep.tune.status.overview import ContenderOverview, Overview
from gibbsweep.tune.status.text import INDENT, SEPARATOR, count_text, join_fitting, join_with_ellipsis, shorten

_BAD = {"diverged": "red", "failed": "bold red"}  # style by kind of outcome
_MOST_DETAIL = 3  # 1: a line; 2: with its best; 3: with its rungs


def contender_lines(overview: Overview, *, width: int, height: int | None = None) -> list[Text]:
    """The state of each contender in at most ``height`` lines of at most ``width`` columns; with all details if
    ``height`` is None."""
    details = _details(overview.contenders, height)
    with_details = list(zip(overview.contenders, details, strict=True))
    lines: list[Text] = []
    for contender, detail in with_details:
        if detail:
            lines += _block(contender, detail, width, _name_width(overview, width))
    hidden = [contender for contender, detail in with_details if not detail]
    if hidden:
        ended = sum(contender.searched + contender.retrained for contender in hidden)
        runs = sum(contender.runs for contender in hidden)
        names = ", ".join(contender.name for contender in hidden)
        lines.append(Text(f"and {len(hidden)} more ({ended}/{runs} runs ended): {names}", "dim"))
    folded = [contender for contender, detail in with_details if 0 < detail < _most(contender)]
    if folded or hidden:
        rungs = "rungs" if any(len(contender.levels) > 1 for contender in folded) else ""
        bests = "bests" if any(detail == 1 and contender.best for contender, detail in with_details) else ""
        left_out = " and ".join(part for part in (rungs, bests) if part)
        sentence = f"{left_out} of {len(folded)} folded: " if folded and left_out else ""
        lines.append(Text(f"{sentence}gibbsweep status shows all, and so does a taller terminal", "dim italic"))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def total_lines(overview: Overview, wall: float, *, width: int) -> list[Text]:
    """The counts of all runs, in as many lines as they take, and a line of what was spent and is left. ``wall``:
    seconds so far."""
    parts = [Text(f"{overview.done}/{overview.runs} runs", "bold"), count_text(overview.running, "running", "cyan")]
    parts.append(count_text(overview.waiting, "waiting", "yellow"))
    parts.append(count_text(overview.ended("completed"), "completed", "green"))
    parts += [count_text(overview.ended(kind), kind, style) for kind, style in _BAD.items()]
    parts.append(count_text(overview.restarts, "restart", "magenta"))
    parts.append(count_text(overview.ended("pruned"), "pruned", "blue"))
    lines: list[Text] = []
    while any(part.plain for part in parts):
        line, parts = join_fitting(parts, width, SEPARATOR)
        lines.append(line)
    lines.append(Text(spent_text(overview, wall)))
    lines[-1].truncate(width, overflow="ellipsis")
    return lines


def spent_text(overview: Overview, wall: float) -> str:
    """Wall time and device time, so far and still to come. ``wall``: seconds so far."""
    left, seconds = overview.seconds_left, overview.seconds
    # Before a run has ended, nothing says what one costs beside its updates: its start, its measurements.
    ends = left is None or not overview.done or overview.done == overview.runs
    unit, size = ("device-hours", 3600) if seconds + (left or 0) >= 360 else ("device-seconds", 1)
    digits = 2 if size > 1 and seconds < 36_000 else 0
    if left is None or ends:
        return f"{clock_text(wall)} so far{SEPARATOR}{seconds / size:.{digits}f} {unit}"
    # Time outside updates (evaluation, starting, waiting) is taken to stay in proportion.
    return (
        f"{clock_text(wall)} so far, about {clock_text(wall * left / seconds)} left{SEPARATOR}"
        f"{seconds / size:.{digits}f} {unit} so far, about {left / size:.{digits}f} left"
    )


def phase_line(running: Sequence[tuple[str, bool]], *, width: int) -> Text:
    """What the running runs do now, with how many of them do it. ``running``: (what the run's process says, "" where it
    says nothing yet; whether the run is a retraining)."""
    words = [
        ("retraining" if retrains and said == "training" else said or "starting a process")
        for said, retrains in running
    ]
    counts = Counter(words)
    parts = [Text(f"{count} {what}" if len(words) > 1 else what, "cyan") for what, count in counts.most_common()]
    return Text("now  ", "dim") + join_with_ellipsis(parts, width - 5) if parts else Text()


def clock_text(seconds: float) -> str:
    """``1:02:03``, or ``2:03`` below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _details(contenders: Sequence[ContenderOverview], height: int | None) -> list[int]:
    """The detail that each contender shows, 0 to 3: as much as fits ``height`` lines, contenders that run first."""
    most = [_most(c) for c in contenders]
    if height is None:
        return most
    if sum(_height(c, detail) for c, detail in zip(contenders, most, strict=True)) <= height:
        return most
    room = height - 1  # one line says that details are folded
    active_first = sorted(range(len(contenders)), key=lambda i: (not contenders[i].active, i))
    details = [0] * len(contenders)
    if len(contenders) > room:
        room -= 1  # one line names the hidden contenders
    for detail in range(1, _MOST_DETAIL + 1):
        for i in active_first:
            more = _height(contenders[i], detail) - _height(contenders[i], details[i])
            if detail <= most[i] and more <= room:
                details[i], room = detail, room - more
    return details


def _most(contender: ContenderOverview) -> int:
    """The most detail that there is to show."""
    return 3 if len(contender.levels) > 1 and contender.outline.trials else 2 if contender.best else 1


def _height(contender: ContenderOverview, detail: int) -> int:
    """The lines that a contender takes with so much ``detail``."""
    bests = len(contender.bests)
    return (0, 1, 1 + bests, 1 + bests + len(contender.levels))[detail]


def _block(contender: ContenderOverview, detail: int, width: int, name_width: int) -> list[Text]:
    """The lines of one contender."""
    line = Text().append(f"{shorten(contender.name, name_width):<{name_width}}  ", "bold")
    trials, ended = contender.outline.trials, contender.ended
    if trials:
        line += trials_bar(contender, width) + Text("  ")
    parts = [Text(f"{contender.searched}/{trials}{' searched' if width >= 100 else ''}" if trials else "no search")]
    if detail == 1 and contender.bests:
        first, *others = contender.bests
        by_goal = others if len(contender.outline.goals) > 1 else []
        values = [first.value, *(best.value for best in by_goal)] if by_goal else [first.value, *first.others.values()]
        parts.append(Text(f"best {' '.join(f'{value:.4g}' for value in values)}"))
        parts.append(Text(violations_message(first.violated), "red"))
    if len(contender.outline.goals) > 1 and contender.bests:
        parts.append(Text(f"front of {contender.front}"))
    if trials and contender.outline.population:
        parts.append(Text(f"generation {_generation(contender)}/{len(contender.levels)}", "green"))
    elif trials and detail < 3 and len(contender.levels) > 1:
        parts.append(Text("›".join(str(level.reached) for level in contender.levels), "green"))
    parts.append(count_text(contender.running + contender.retraining, "running", "cyan"))
    parts += [count_text(ended[kind], kind, style) for kind, style in _BAD.items()]
    parts.append(count_text(contender.lost, "lost", "red"))
    parts.append(count_text(contender.restarts, "restart", "magenta"))
    if contender.retrained or contender.retraining or contender.searched == trials:
        parts.append(_retrained_text(contender))
    parts += [count_text(contender.waiting, "waiting", "yellow"), count_text(ended["pruned"], "pruned", "blue")]
    lines = [line + join_with_ellipsis(parts, width - line.cell_len)]
    if detail == 3:
        lines += rung_lines(contender, width)
    if detail >= 2:
        lines += [_best_line(best, width) for best in contender.bests]
    return lines


def _generation(contender: ContenderOverview) -> int:
    """The first generation that some member has not completed, of the members that can still complete it."""
    members = contender.outline.trials - sum(contender.ended[kind] for kind in _BAD)
    return min(1 + sum(level.reached >= members for level in contender.levels[:-1]), len(contender.levels))


def _retrained_text(contender: ContenderOverview) -> Text:
    bad = [f", {count} {kind}" for kind, count in contender.retrained_ended.items() if count and kind != "completed"]
    ended = f"{contender.retrained}/{len(contender.outline.retrainings)} retrained"
    return Text(ended + "".join(bad), "red" if bad else "green")


def _best_line(best: Best, width: int) -> Text:
    when = "" if best.completed else f" after {best.step} updates"
    others = [Text(f"{metric} {value:.4g}") for metric, value in best.others.items()]
    if best.copied is not None:
        when += f" (<- {best.copied[0].rsplit('-', 1)[-1]} at {best.copied[1]})"
    values = [Text(f"{path.rsplit('.', 1)[-1]}={_value_text(value)}", "dim") for path, value in best.values.items()]
    values = values or [Text("the recipe as it stands", "dim")]
    line = Text(f"{INDENT}best {best.run.rsplit('-', 1)[-1]}{when}  ")
    parts = [
        Text(best.option),
        Text(f"{best.metric} {best.value:.4g}", "bold"),
        Text(violations_message(best.violated), "red"),
        *others,
    ]
    return line + join_with_ellipsis([*parts, *values], width - line.cell_len)


def _value_text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _name_width(overview: Overview, width: int) -> int:
    """The columns of a contender's name, at most a fifth of the ``width``."""
    return min(max(len(contender.name) for contender in overview.contenders), width // 5)
