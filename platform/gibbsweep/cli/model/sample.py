"""``gibbsweep sample``: pictures, sounds or solids drawn by a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gibbsweep.cli.model.options import RunOptions
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault


@dataclass(frozen=True, kw_only=True)
class SampleOptions(RunOptions):
    """The options of ``gibbsweep sample``."""

    n: int = 64
    """Number of samples."""
    seed: int = 0
    """Seed: the same one draws the same samples."""
    classes: Annotated[tuple[str, ...], arg(name="class", help_behavior_hint="")] = ()
    """Classes to draw in turn, by number or name, for example: --class 3 7."""
    captions: Annotated[tuple[str, ...], arg(name="caption", help_behavior_hint="")] = ()
    """Captions to draw in turn, where the model draws captions."""
    guidance: OrDefault[float] = None
    """Scale of the guidance to the classes (default: the run's own)."""
    steps: OrDefault[int] = None
    """Steps of the sampler (default: the run's own)."""
    columns: OrDefault[int] = None
    """Samples in a row of the picture (default: about as wide as high)."""
    out: OrDefault[Path] = None
    """File to write: a grid (.png), a sound (.wav), arrays (.npz, .npy), or the way from noise (.gif) (default: samples
    with the suffix that shows them best)."""


def sample_run(options: SampleOptions) -> None:
    """Draw samples from a trained run into a picture, a sound or an array.

    Pictures and solids become a grid, sounds one WAV file (or, as .png, spectrograms). Arrays hold x (N, *D), in
    [-1, 1], or {0, 1} of binary models.
    """
    from gibbsweep.use.writing import Moments, check_out, usual_suffix, write_examples, write_path

    if options.columns is not None and options.columns < 1:
        raise UserError(f"--columns must be at least 1: got {options.columns}.")
    model = options.load()
    out = options.out or Path(f"samples{usual_suffix(model.spec)}")
    check_out(out, model.spec, (".png", ".wav", ".npz", ".npy", ".gif"))
    moving = out.suffix.lower() == ".gif"
    if moving and (options.classes or options.captions or options.guidance is not None):
        raise UserError("--out *.gif shows samples of no chosen class or caption: leave these out, or write a .png.")
    moments = Moments()
    samples = model.sample(
        options.n,
        seed=options.seed,
        classes=options.classes or None,
        guidance=options.guidance,
        steps=options.steps,
        captions=options.captions or None,
        trace=moments if moving else None,
    )
    if moving:
        write_path(out, [*moments.kept, samples.x], model.spec, options.columns)
    else:
        write_examples(out, samples, model.spec, columns=options.columns)
    what = "sample" if options.n == 1 else "samples"
    evaluations = f"{samples.nfe} network evaluation{'' if samples.nfe == 1 else 's'} each"
    print(f"{out}: {options.n} {what} of {model.path.name}, seed {options.seed}, {evaluations}")
