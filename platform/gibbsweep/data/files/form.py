"""The form that a view asks of examples, to which they are brought while they are decoded."""

from __future__ import annotations

from dataclasses import dataclass

from gibbsweep.data.formats.images import Colour


@dataclass(frozen=True)
class Form:
    """Size, colour and rate of decoded examples; None: as they are, which must then be the same for all.

    Example::

        Form(size=8000, rate=8000)      # one second of sound at 8 kHz
        Form(size=32, colour="grey")    # images of 32x32 pixels
    """

    size: int | None = None
    """Edge of images, of whose middle square it is the edge; samples of sounds, which end there or go on in silence."""
    colour: Colour | None = None
    """Grey or RGB images."""
    rate: int | None = None
    """Samples a second that sounds are resampled to."""
    usual: int | None = None
    """Samples of sounds at the set's own rate, where ``size`` is None."""
