"""A view: the part and the form of a data set that a run trains on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import torch
from torch import Tensor

from gibbsweep.data.formats.images import CHANNELS, Colour
from gibbsweep.errors import UserError

_VIEW = re.compile(
    r"(?P<name>[^\[\]@]*)(?:\[(?P<items>[^\[\]]*)\])?"
    r"(?:@(?P<size>\d+))?(?:@(?P<colour>grey|rgb))?(?:@(?P<rate>\d+)Hz)?",
    re.ASCII,
)
_ITEM = re.compile(r"(?P<exclude>-\d+)|(?P<limit>:\d+)|(?P<keep>\d+)", re.ASCII)


@dataclass(frozen=True)
class DataView:
    """A part of a data set in a form; the name alone is the whole set as it is.

    Example::

        DataView("mnist", classes=(4, 9), size=32) == parse("mnist[4,9]@32")

    As text (``str`` and :func:`parse`): ``NAME``, then in brackets, comma-separated, classes to keep ``K``, classes to
    exclude ``-K`` and the limit ``:N``, then ``@SIZE``, ``@grey`` or ``@rgb``, and ``@RATEHz``: ``mnist[4,9]``,
    ``mnist[-3]``, ``cifar10[:5000]@16``, ``mnist[4,9,-9,:100]@32``, ``photos@64@grey``, ``sc09[0,1]@8000@8000Hz``.
    """

    name: str
    """Name of the data set."""
    classes: tuple[int, ...] | None = None
    """Classes, numbered from 0 as ``gibbsweep data info`` lists them, that every split keeps, relabelled 0, 1, ... in
    this order; None: all."""
    exclude: tuple[int, ...] = ()
    """Classes, numbered as in the set, without examples in train and validation; test keeps them, with their labels:
    what is anomalous is seen at the end alone."""
    size: int | None = None
    """Edge that images and voxels are resized to (of an image that is not square, the middle square), or samples that
    sounds are cut or padded to; None: as they are, which must then be the same for all."""
    limit: int | None = None
    """Largest number of examples of each split; None: all."""
    rate: int | None = None
    """Samples a second that sounds are resampled to, before they are cut; None: as they are."""
    colour: Colour | None = None
    """Whether images are brought to grey (ITU-R 601) or to three channels; None: as they are."""

    def __post_init__(self) -> None:
        if set("[]@") & set(self.name):
            raise UserError(
                f"'{self.name}' is no name of a data set: expected none of [, ] and @, which begin the parts of a view"
            )
        # JSON has lists where this has tuples, and NumPy its own integers; the order of excluded classes means nothing.
        try:
            object.__setattr__(self, "classes", None if self.classes is None else tuple(map(index, self.classes)))
            object.__setattr__(self, "exclude", tuple(sorted(map(index, self.exclude))))
            for what in ("size", "limit", "rate"):
                number = getattr(self, what)
                object.__setattr__(self, what, None if number is None else index(number))
        except TypeError as error:
            raise UserError(
                f"a view of '{self.name}' has a part that is no whole number ({error}): correct it"
            ) from error
        for what, numbers in (("classes", self.classes), ("excluded classes", self.exclude)):
            if numbers is not None and (len(set(numbers)) < len(numbers) or min(numbers, default=0) < 0):
                raise UserError(
                    f"the {what} of a view of '{self.name}' are {list(numbers)}: expected different numbers from 0"
                )
        if self.classes == ():
            raise UserError(f"a view of '{self.name}' keeps no class: name at least one, or None for all of them")
        for what, number in (("size", self.size), ("limit", self.limit), ("rate", self.rate)):
            if number is not None and number < 1:
                raise UserError(f"the {what} is {number} in a view of '{self.name}': expected at least 1, or None")
        if self.colour is not None and self.colour not in CHANNELS:
            raise UserError(
                f"the colour is {self.colour!r} in a view of '{self.name}': expected 'grey' or 'rgb', or None"
            )

    def __str__(self) -> str:
        items = [*map(str, self.classes or ()), *(f"-{label}" for label in self.exclude)]
        if self.limit is not None:
            items.append(f":{self.limit}")
        parts = (self.size, self.colour, f"{self.rate}Hz" if self.rate else None)
        form = "".join(f"@{part}" for part in parts if part)
        return self.name + (f"[{','.join(items)}]" if items else "") + form

    @property
    def whole(self) -> bool:
        """Whether this is the data set itself."""
        return self == DataView(self.name)

    def fingerprint(self, of_set: str) -> str:
        """Hash of the view, made from the hash ``of_set`` of its data set: another part or form has another hash."""
        if self.whole:
            return of_set
        part = str(self).removeprefix(self.name)
        return hashlib.sha256(f"{of_set} {part}".encode()).hexdigest()[:16]

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse class numbers that a set with these ``classes`` (their names) does not have."""
        asked = [*(self.classes or ()), *self.exclude]
        if not asked:
            return
        if not classes:
            raise UserError(
                f"'{self}' chooses classes and data set '{self.name}' has no labels: take all of it, or a set with "
                "labels"
            )
        unknown = sorted({label for label in asked if label >= len(classes)})
        if unknown:
            raise UserError(
                f"data set '{self.name}' has no class {', '.join(map(str, unknown))}: expected numbers from 0 to "
                f"{len(classes) - 1}, as `gibbsweep data info {self.name}` lists them"
            )
        foreign = sorted(set(self.exclude) - set(self.classes or self.exclude))
        if foreign:
            raise UserError(
                f"'{self}' excludes class {', '.join(map(str, foreign))}, which is none of the kept "
                f"{list(self.classes or ())}: leave it out"
            )

    def keeps(self, y: Tensor | None, *, testing: bool) -> Tensor | None:
        """Mask (N,) bool of the examples with labels ``y`` (N,) that the view has; None: all.

        ``testing``: for the test split, else for train and validation.
        """
        if y is None or (self.classes is None and (testing or not self.exclude)):
            return None
        mask = torch.ones_like(y, dtype=torch.bool)
        if self.classes is not None:
            mask &= torch.isin(y, torch.tensor(self.classes))
        if not testing:
            mask &= ~torch.isin(y, torch.tensor(self.exclude, dtype=y.dtype))
        return mask

    def relabelling(self, n_classes: int | None) -> Tensor | None:
        """Label of the view for each label of the set, (n_classes,) int64, -1 where left out; None where they are
        equal."""
        if self.classes is None or n_classes is None:
            return None
        labels = torch.full((n_classes,), -1, dtype=torch.int64)
        labels[list(self.classes)] = torch.arange(len(self.classes))
        return labels


def parse(text: str) -> DataView:
    """Reads a view as ``str`` writes it; see :class:`DataView` for the grammar."""
    match = _VIEW.fullmatch(text)
    items = [] if match is None or match["items"] is None else [item.strip() for item in match["items"].split(",")]
    parts = [_ITEM.fullmatch(item) for item in items]
    limits = [int(part["limit"][1:]) for part in parts if part and part["limit"]]
    if match is None or None in parts or len(limits) > 1:
        raise UserError(
            f"'{text}' is no view of a data set: expected NAME, then in brackets classes K, excluded classes -K and "
            "one limit :N, then @SIZE, for images @grey or @rgb, and for sounds @RATEHz, such as mnist[4,9], "
            "mnist[-3], cifar10[:5000]@16, photos@64@grey or sc09@8000Hz"
        )
    keep = tuple(int(part["keep"]) for part in parts if part and part["keep"])
    exclude = tuple(int(part["exclude"][1:]) for part in parts if part and part["exclude"])
    size = None if match["size"] is None else int(match["size"])
    rate = None if match["rate"] is None else int(match["rate"])
    colour: Any = match["colour"]
    return DataView(match["name"], keep or None, exclude, size, limits[0] if limits else None, rate, colour)


def view_of(data: str | DataView) -> DataView:
    """``data`` as a view, parsed where it is text."""
    return data if isinstance(data, DataView) else parse(data)


def to_json(view: DataView) -> dict[str, Any]:
    """Plain values of a view: ``DataView(**to_json(view)) == view``, also after a round trip through JSON."""
    stated = {
        "name": view.name,
        "classes": None if view.classes is None else list(view.classes),
        "exclude": list(view.exclude),
        "size": view.size,
        "limit": view.limit,
        "rate": view.rate,
    }
    return stated | ({"colour": view.colour} if view.colour else {})
