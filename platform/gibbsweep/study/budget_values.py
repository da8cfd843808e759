"""Values that depend on the budget, wherever an evaluator takes a number."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeVar, cast

from gibbsweep.errors import UserError

T = TypeVar("T")

_NONE: Any = object()
"""In place of ``other`` where there is none: None is a value like any other."""


@dataclass(frozen=True)
class ByBudget(Generic[T]):
    """One value for each budget, made by :func:`by_budget`; it stands in a field until :func:`at_budget` replaces it.

    by_budget(smoke=24, other=200)  # ByBudget({"smoke": 24}, 200), to the type checker an int
    """

    values: Mapping[str, T]
    """The value of each budget that is named."""
    other: T = field(default=_NONE)
    """The value of every other budget."""

    @property
    def for_all(self) -> bool:
        """Whether every budget has a value, also those that are not named."""
        return self.other is not _NONE

    def at(self, budget: str) -> T:
        if budget not in self.values and not self.for_all:
            raise UserError(
                f"a value by budget has none for {budget!r}: it has {', '.join(self.values)}; name {budget!r} too, or "
                "give the value of all others as other=."
            )
        return self.values.get(budget, self.other)

    def _unknown_yet(self, *_: object) -> NoReturn:
        raise UserError(
            "a value by budget is not known before a budget is chosen, and this object checks its numbers when it is "
            "made: put by_budget around the whole object, by_budget(smoke=Evaluator(2), other=Evaluator(10))."
        )

    __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __bool__ = _unknown_yet


def by_budget(*, other: T = _NONE, **values: T) -> T:
    """A number of an evaluator, a whole evaluator, or a tuple of them, that depends on the budget's name.

    ``other`` is the value of every budget that is not named. For the type checker the result is the value itself, as
    with :func:`dataclasses.field`; until a budget is chosen it is a :class:`ByBudget`.

        SampleDistances(by_budget(smoke=24, laptop=200, other=2_000))
        evaluators=(by_budget(smoke=EnergyGap(2), other=EnergyGap(50, limit=1_000)),)
    """
    if not values:
        raise UserError("a value by budget names at least one budget: by_budget(smoke=24, other=200).")
    return cast(T, ByBudget(values, other))


def at_budget(part: T, budget: str) -> T:
    """``part`` with the value of ``budget`` in place of each value by budget, also in its tuples and dataclasses."""
    whole: Any = part
    if isinstance(whole, ByBudget):
        return cast(T, at_budget(whole.at(budget), budget))
    if not _has_values(whole):
        return part
    if type(whole) is tuple:
        return cast(T, tuple(at_budget(item, budget) for item in whole))
    return cast(T, dataclasses.replace(whole, **{name: at_budget(value, budget) for name, value in _fields_of(whole)}))


def check_budgets(part: object, budgets: Collection[str], known: Collection[str], whose: str) -> None:
    """Raise UserError where a value by budget in ``part`` names a budget that is not among ``known``, or has no value
    for one of ``budgets``. ``whose``: what ``part`` belongs to, for the message."""
    for value in _values_in(part):
        for name in value.values:
            check_name(name, known, whose)
        missing = [name for name in budgets if name not in value.values]
        if missing and not value.for_all:
            raise UserError(
                f"{whose} has a value by budget for {', '.join(value.values)} and none for {', '.join(missing)}: name "
                "them, or give the value of all others as other=."
            )


def check_name(budget: str, known: Collection[str], whose: str) -> None:
    """Raise UserError where ``budget`` is not among the ``known`` ones."""
    if budget not in known:
        close = difflib.get_close_matches(budget, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known) or 'none'}."
        raise UserError(f"{whose} names the budget {budget!r}, which the study has not: {hint}")


def _values_in(part: object) -> Iterator[ByBudget[Any]]:
    """Every value by budget in ``part``, those inside others included."""
    if isinstance(part, ByBudget):
        yield part
        for value in (*part.values.values(), *((part.other,) if part.for_all else ())):
            yield from _values_in(value)
    elif type(part) is tuple:
        for item in part:
            yield from _values_in(item)
    else:
        for _, value in _fields_of(part):
            yield from _values_in(value)


def _has_values(part: object) -> bool:
    return next(_values_in(part), None) is not None


def _fields_of(part: object) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        yield from ((item.name, getattr(part, item.name)) for item in dataclasses.fields(part))
