"""An overview as lines of text that fit a terminal. What does not fit is folded, and the last line says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from gibbsweep.tune.status.bars import rung_lines, trials_bar
from gibbsweep.tune.status.bests import Best, violations_said
from gibbsweep.tune.status.overview import ContenderOverview, Overview
from gibbsweep.tune.status.text import INDENT, SEPARATOR, counted, fitting, shortened, with_ellipsis

_BAD = {"diverged": "red", "failed": "bold red"}
_DETAILS = 3  # 1: a line; 2: with its best; 3: with its rungs


def lines(view: Overview, *, width: int, height: int | None = None) -> list[Text]:
    """At most ``height`` lines of at most ``width`` columns; without ``height`` all there is to say."""
    details = _details(view.contenders, None if height is None else height)
    found: list[Text] = []
    for contender, detail in zip(view.contenders, details, strict=True):
        if detail:
            found += _block(contender, detail, width, _name_width(view, width))
    hidden = [c for c, detail in zip(view.contenders, details, strict=True) if not detail]
    if hidden:
        ended = sum(c.searched + c.retrained for c in hidden)
        runs = sum(c.runs for c in hidden)
        names = ", ".join(c.name for c in hidden)
        found.append(Text(f"and {len(hidden)} more ({ended}/{runs} runs ended): {names}", "dim"))
    short = [c for c, detail in zip(view.contenders, details, strict=True) if 0 < detail < _most(c)]
    if short or hidden:
        what = " and ".join(
            part
            for part in (
                "rungs" if any(len(c.levels) > 1 for c in short) else "",
                "bests" if any(d == 1 and c.best for c, d in zip(view.contenders, details, strict=True)) else "",
            )
            if part
        )
        folded = f"{what} of {len(short)} folded: " if short and what else ""
        found.append(Text(f"{folded}gibbsweep status shows all, and so does a taller terminal", "dim italic"))
    for line in found:
        line.truncate(width, overflow="ellipsis")
    return found


def totals(view: Overview, wall: float, *, width: int) -> list[Text]:
    """How the runs stand, in as many lines as that takes, and what was spent and is left."""
    parts = [Text(f"{view.done}/{view.runs} runs", "bold"), counted(view.running, "running", "cyan")]
    parts += [counted(view.waiting, "waiting", "yellow"), counted(view.ended("completed"), "completed", "green")]
    parts += [counted(view.ended(kind), kind, style) for kind, style in _BAD.items()]
    parts += [counted(view.restarts, "restart", "magenta"), counted(view.ended("pruned"), "pruned", "blue")]
    found: list[Text] = []
    while any(part.plain for part in parts):
        line, parts = fitting(parts, width, SEPARATOR)
        found.append(line)
    found.append(Text(spent(view, wall)))
    found[-1].truncate(width, overflow="ellipsis")
    return found


def spent(view: Overview, wall: float) -> str:
    """Time and device time, so far and still to come."""
    left, seconds = view.seconds_left, view.seconds
    ends = left is None or view.done == view.runs
    unit, size = ("device-hours", 3600) if seconds + (left or 0) >= 360 else ("device-seconds", 1)
    digits = 2 if size > 1 and seconds < 36_000 else 0
    if left is None or ends:
        return f"{clock(wall)} so far{SEPARATOR}{seconds / size:.{digits}f} {unit}"
    # What is not spent in updates (evaluation, starting, waiting) is taken to stay in proportion.
    return (
        f"{clock(wall)} so far, about {clock(wall * left / seconds)} left{SEPARATOR}"
        f"{seconds / size:.{digits}f} {unit} so far, about {left / size:.{digits}f} left"
    )


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _details(contenders: Sequence[ContenderOverview], height: int | None) -> list[int]:
    """How much each contender shows, 0 to 3: as much as fits, those that run first."""
    most = [_most(c) for c in contenders]
    if height is None:
        return most
    if sum(_height(c, detail) for c, detail in zip(contenders, most, strict=True)) <= height:
        return most
    room = height - 1  # for the line that says so
    first = sorted(range(len(contenders)), key=lambda i: (not contenders[i].active, i))
    details = [0] * len(contenders)
    if len(contenders) > room:
        room -= 1  # for the names of those that are hidden
    for detail in range(1, _DETAILS + 1):
        for i in first:
            more = _height(contenders[i], detail) - _height(contenders[i], details[i])
            if detail <= most[i] and more <= room:
                details[i], room = detail, room - more
    return details


def _most(contender: ContenderOverview) -> int:
    return 3 if len(contender.levels) > 1 and contender.outline.trials else 2 if contender.best else 1


def _height(contender: ContenderOverview, detail: int) -> int:
    bests = len(contender.bests)
    return (0, 1, 1 + bests, 1 + bests + len(contender.levels))[detail]


def _block(contender: ContenderOverview, detail: int, width: int, name_width: int) -> list[Text]:
    line = Text().append(f"{shortened(contender.name, name_width):<{name_width}}  ", "bold")
    trials, ended = contender.outline.trials, contender.ended
    if trials:
        line += trials_bar(contender, width) + Text("  ")
    told = [Text(f"{contender.searched}/{trials}{' searched' if width >= 100 else ''}" if trials else "no search")]
    if detail == 1 and contender.bests:
        first, *others = contender.bests
        values = [first.value, *(best.value for best in others)] if others else [first.value, *first.others.values()]
        told.append(Text(f"best {' '.join(f'{value:.4g}' for value in values)}"))
        told.append(Text(violations_said(first.violated), "red"))
    if len(contender.outline.goals) > 1 and contender.bests:
        told.append(Text(f"front of {contender.front}"))
    if trials and contender.outline.population:
        told.append(Text(f"generation {_generation(contender)}/{len(contender.levels)}", "green"))
    elif trials and detail < 3 and len(contender.levels) > 1:
        told.append(Text("›".join(str(level.reached) for level in contender.levels), "green"))
    told.append(counted(contender.running + contender.retraining, "running", "cyan"))
    told += [counted(ended[kind], kind, style) for kind, style in _BAD.items()]
    told.append(counted(contender.lost, "lost", "red"))
    told.append(counted(contender.restarts, "restart", "magenta"))
    if contender.retrained or contender.retraining or contender.searched == trials:
        told.append(_retrained(contender))
    told += [counted(contender.waiting, "waiting", "yellow"), counted(ended["pruned"], "pruned", "blue")]
    found = [line + with_ellipsis(told, width - line.cell_len)]
    if detail == 3:
        found += rung_lines(contender, width)
    if detail >= 2:
        found += [_best(best, width) for best in contender.bests]
    return found


def _generation(contender: ContenderOverview) -> int:
    """The first one that not everyone has behind it, as far as everyone can."""
    gone = contender.outline.trials - sum(contender.ended[kind] for kind in _BAD)
    return min(1 + sum(level.reached >= gone for level in contender.levels[:-1]), len(contender.levels))


def _retrained(contender: ContenderOverview) -> Text:
    lost = [f", {count} {kind}" for kind, count in contender.retrained_ended.items() if count and kind != "completed"]
    told = f"{contender.retrained}/{len(contender.outline.retrainings)} retrained"
    return Text(told + "".join(lost), "red" if lost else "green")


def _best(best: Best, width: int) -> Text:
    at = "" if best.completed else f" after {best.step} updates"
    others = [Text(f"{metric} {value:.4g}") for metric, value in best.others.items()]
    if best.copied is not None:
        at += f" (<- {best.copied[0].rsplit('-', 1)[-1]} at {best.copied[1]})"
    values = [Text(f"{path.rsplit('.', 1)[-1]}={_value(value)}", "dim") for path, value in best.values.items()]
    line = Text(f"{INDENT}best {best.run.rsplit('-', 1)[-1]}{at}  ")
    parts = [Text(f"{best.metric} {best.value:.4g}", "bold"), Text(violations_said(best.violated), "red"), *others]
    return line + with_ellipsis([*parts, *values], width - line.cell_len)


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _name_width(view: Overview, width: int) -> int:
    return min(max(len(c.name) for c in view.contenders), width // 5)
