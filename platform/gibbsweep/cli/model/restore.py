"""``gibbsweep denoise`` and ``gibbsweep inpaint``: files without their noise, and with their holes filled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from gibbsweep.cli.model.options import RunOptions, say
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from torch import Tensor

    from gibbsweep.use.model import Model

_SUFFIXES = (".png", ".wav", ".npz", ".npy", "")


@dataclass(frozen=True, kw_only=True)
class FileOptions(RunOptions):
    """The options of a command that turns files into others."""

    files: Annotated[Positional[tuple[Path, ...]], arg(help_behavior_hint="")] = ()
    """Pictures (PNG, JPEG), sounds (WAV), solids (OFF, OBJ, binvox) or arrays (.npz, .npy); a folder means those in
    it."""
    seed: int = 0
    """Seed of what is drawn."""
    out: Path
    """Where to write: a folder for a file each, a grid before and after (.png), or all results (.npz, .npy, .wav)."""


@dataclass(frozen=True, kw_only=True)
class DenoiseOptions(FileOptions):
    """The options of ``gibbsweep denoise``."""

    sigma: OrDefault[str] = None
    """Standard deviation of the noise, of pictures and solids in pixels of [0, 1] (25/255), of sounds in amplitude
    (default: not known to the model)."""
    add_noise: bool = False
    """Add noise of that deviation first: to try a model on clean files."""


@dataclass(frozen=True, kw_only=True)
class InpaintOptions(FileOptions):
    """The options of ``gibbsweep inpaint``."""

    mask: str
    """The hole: half (the lower one), left, right, top, bottom, centre:SIZE, box:TOP,LEFT,HEIGHT,WIDTH in pixels,
    random:SHARE, or a PNG file whose dark pixels are the hole."""


def denoise_files(options: DenoiseOptions) -> None:
    """Remove Gaussian noise from files by a trained run.

    A grid shows the noisy examples above the denoised ones (with --add-noise the clean ones above both).
    """
    from gibbsweep_models.draws import randn, seeded

    level = None if options.sigma is None else _sigma(options.sigma)
    if options.add_noise and level is None:
        raise UserError("--add-noise needs the noise level: give it as --sigma, for example --sigma 25/255.")
    model = _loaded(options, "denoise")
    # Pixels in [-1, 1] span twice the range of [0, 1].
    sigma = level if level is None or len(model.spec.shape) < 3 or model.spec.units == "binary" else 2 * level
    read = model.read(options.files, noise=0.0 if options.add_noise else 8.0 * (1.0 if sigma is None else sigma))
    say(read.notes)
    x, rows = read.x, [read.x]
    if options.add_noise and sigma is not None:
        x = x + sigma * randn(x.shape, generator=seeded(options.seed, 1))
        rows = [read.x, x]
    denoised = model.denoise(x, sigma, seed=options.seed).cpu()
    _write(options.out, denoised, [*rows, denoised], read.names, model)


def inpaint_files(options: InpaintOptions) -> None:
    """Fill holes in files by a trained run.

    What is outside the hole stays as it is. A grid shows the examples with their hole above the completed ones.
    """
    from gibbsweep.use.masks import mask_of

    model = _loaded(options, "inpaint")
    read = model.read(options.files)
    say(read.notes)
    known = mask_of(options.mask, model.spec.shape, n=len(read.x), seed=options.seed)
    filled = model.inpaint(read.x, known, seed=options.seed).cpu()
    grey = 0.5 if model.spec.units == "binary" else 0.0
    _write(options.out, filled, [read.x.where(known, grey), filled], read.names, model)


def _loaded(options: FileOptions, ability: str) -> Model:
    """The run, where it has the ability and the results can be written."""
    from gibbsweep.use.writing import check_out

    model = options.load()
    model.need(ability)
    check_out(options.out, model.spec, _SUFFIXES)
    return model


def _sigma(text: str) -> float:
    """A noise level as a number or a fraction."""
    numerator, _, denominator = text.partition("/")
    try:
        sigma = float(numerator) / float(denominator or "1")
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(f"--sigma {text!r} is no number: write, for example, 0.1 or 25/255.") from error
    if not 0 < sigma < float("inf"):
        raise UserError(f"--sigma must be positive and finite: got {text}.")
    return sigma


def _write(out: Path, results: Tensor, rows: list[Tensor], names: tuple[str, ...], model: Model) -> None:
    """Write ``results``, or for a picture all ``rows`` of versions of the examples."""
    from gibbsweep.use.writing import write_each, write_examples, write_rows
    from gibbsweep_models.types import Samples

    suffix = out.suffix.lower()
    if not suffix:
        write_each(out, results, names, model.spec)
    elif suffix == ".png":
        write_rows(out, rows, model.spec)
    else:
        write_examples(out, Samples(results, nfe=0), model.spec)
    print(f"{out}: {len(results)} {'example' if len(results) == 1 else 'examples'} by {model.path.name}")
