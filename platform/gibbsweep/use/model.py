"""A trained run, ready to use: it samples, scores, denoises and fills holes, without its study and its data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.folder.layout import CHECKPOINT, STATE
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.load import LoadedRun, load_run
from gibbsweep.study.space import flatten, with_values
from gibbsweep.use.abilities import Score, abilities, scores_of
from gibbsweep.use.examples import Read, check_values, read_examples
from gibbsweep.use.script import own_classes
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Samples, System, Trace

T = TypeVar("T")

_BATCH = 250
"""Examples that are scored, denoised or filled at once."""
_STEPS = ("sampler.n_steps", "sample_steps")
"""Where a configuration says in how many steps its system samples."""


@dataclass(frozen=True)
class Model(LoadedRun):
    """A trained run, ready to use: :func:`load` makes it. For example::

        rbm = gibbsweep.load("runs/cd_k-1/trials/rbm-0003")
        rbm.sample(64, seed=0).x                 # (64, 1, 28, 28), in rbm.spec.units
        rbm.score(rbm.read(["three.png"]).x)     # (1,), high = unlike what it was trained on

    Beside these methods there is ``system`` itself, with all that its class offers. Every method draws its randomness
    from ``seed`` alone. UserError where the system cannot do what is asked, or a value is in other units.
    """

    path: Path
    """The run's folder."""

    @property
    def can(self) -> tuple[str, ...]:
        """What it can do, in words."""
        return abilities(self.system)

    @property
    def metrics(self) -> dict[str, float]:
        """What the run has measured, by name (``test/...`` on the test split); empty before it has ended."""
        outcome = Outcome.read(self.path)
        return {} if outcome is None else outcome.metrics

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        tensors = (*self.system.parameters(), *self.system.buffers())
        return next((tensor.device for tensor in tensors), torch.device("cpu"))

    def sample(
        self,
        n: int = 1,
        *,
        seed: int = 0,
        classes: int | str | Sequence[int | str] | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        captions: str | Sequence[str] | None = None,
        trace: Trace | None = None,
    ) -> Samples:
        """``n`` examples drawn from noise, as ``.x`` (n, *D) in ``spec.units``.

        ``classes``: numbers or names, in turn. ``guidance``: another scale of the model's own guidance. ``steps``:
        another number of steps of its sampler. ``captions``: draw these, in turn. ``trace``: called after every step
        with the number of steps done and the chains; without classes alone.
        """
        if n < 1:
            raise UserError(f"got {n} samples to draw: ask for at least 1.")
        model = self if steps is None else self.in_steps(steps)
        return model._do(model._drawing(n, seed, classes, guidance, captions, trace))

    def score(self, x: Tensor, *, by: Score | None = None, seed: int = 0) -> Tensor:
        """How unlike the training data each example of ``x`` (B, *D) is: (B,), high = unlike.

        ``by``: ``anomaly`` (the model's anomaly score), ``energy`` (in nats, up to a constant) or ``density`` (-ln p,
        in nats); the first of these that the model has by default.
        """
        known = scores_of(self.system)
        if not known or (by is not None and by not in known):
            asked = "score examples" if by is None else f"score examples by {by}"
            raise self._cannot(asked, f"it scores by {' or '.join(known)}" if known else "")
        by = by or known[0]
        x, system = self._checked(x), self.system
        generator = seeded(seed, device=self.device)
        calls: dict[Score, Callable[[Tensor], Tensor]] = {
            "anomaly": lambda part: system.anomaly_score(part, generator=generator),
            "energy": lambda part: system.energy(part),
            "density": lambda part: -system.density(part, generator=generator).log_prob,
        }
        return self._in_parts(calls[by], x)

    def denoise(self, x: Tensor, sigma: float | None = None, *, seed: int = 0) -> Tensor:
        """The clean examples in noisy ``x`` (B, *D): (B, *D).

        ``sigma``: the standard deviation of the noise in the units of ``x``, which for pixels in [-1, 1] is twice that
        in [0, 1]; None where it is not known.
        """
        self.need("denoise")
        if sigma is not None and not sigma > 0:
            raise UserError(f"the noise level is {sigma:g}: expected a positive number.")
        x, system = self._checked(x, noise=8.0 if sigma is None else 8.0 * sigma), self.system
        generator = seeded(seed, device=self.device)

        def denoise(part: Tensor) -> Tensor:
            level = None if sigma is None else part.new_full((len(part),), sigma)
            result: Tensor = system.denoise(part, level, generator=generator)
            return result

        return self._in_parts(denoise, x)

    def inpaint(self, x: Tensor, known: Tensor, *, seed: int = 0) -> Tensor:
        """A completion (B, *D) of ``x`` (B, *D) that equals it where ``known`` (bool, like ``x`` or of a shape that
        broadcasts to it) is True. The other values of ``x`` are not read."""
        self.need("inpaint")
        x, system = self._checked(x), self.system
        if known.dtype != torch.bool:
            raise UserError(f"a mask is bool, True where a value is known: got {known.dtype}; pass mask > 0.5.")
        try:
            known = known.to(self.device).expand_as(x)
        except RuntimeError as error:
            raise UserError(
                f"the mask is {tuple(known.shape)} and the examples are {tuple(x.shape)}: expected shapes that "
                "broadcast."
            ) from error
        generator, x = seeded(seed, device=self.device), x.where(known, 0.0)
        parts = zip(torch.split(x, _BATCH), torch.split(known, _BATCH), strict=True)
        return self._do(lambda: torch.cat([system.inpaint(a, b, generator=generator) for a, b in parts]))

    def read(self, files: Sequence[Path | str], *, noise: float = 0.0) -> Read:
        """The examples in ``files`` (PNG, JPEG, WAV, NumPy's .npy and .npz, meshes; a folder means those in it) in the
        form and the units of the model. What was done to each is in ``notes``. ``noise``: how far values may lie beyond
        these units."""
        return read_examples([Path(file) for file in files], self.spec, noise=noise)

    def in_steps(self, steps: int) -> Model:
        """The same weights with another number of steps of the sampler."""
        if steps < 1:
            raise UserError(f"got {steps} sampling steps: ask for at least 1.")
        fields = flatten(self.config)
        path = next((path for path in _STEPS if path in fields), None)
        if path is None:
            raise self._cannot("sample in a number of steps", f"{type(self.config).__name__} has none of {_or(_STEPS)}")
        config = with_values(self.config, {path: steps})
        with torch.random.fork_rng(devices=[]):
            system: System = self._do(lambda: config.build(self.spec))
        system.load_state_dict(self.system.state_dict())
        return replace(self, system=system.to(self.device).eval(), config=config)

    def _drawing(
        self,
        n: int,
        seed: int,
        classes: int | str | Sequence[int | str] | None,
        guidance: float | None,
        captions: str | Sequence[str] | None,
        trace: Trace | None,
    ) -> Callable[[], Samples]:
        """The call that draws what :meth:`sample` was asked for."""
        system, generator = self.system, seeded(seed, device=self.device)
        if captions is not None:
            self.need("draw captions")
            given = [captions] if isinstance(captions, str) else list(captions)
            if self.vocabulary is None or not given:
                raise UserError("got no captions to draw, or a run without a vocabulary: expected text to draw.")
            text = self.vocabulary.encode([given[i % len(given)] for i in range(n)]).to(self.device)
            return lambda: system.depict(text, generator=generator)
        if classes is None and guidance is None:
            self.need("sample")
            return lambda: system.sample(n, generator=generator, trace=trace)
        self.need("sample classes")
        y = self._labels(n, classes)
        if guidance is None:
            return lambda: system.sample_classes(y, generator=generator)
        self.need("sample with guidance")
        return lambda: system.sample_guided(y, guidance, generator=generator)

    def _labels(self, n: int, classes: int | str | Sequence[int | str] | None) -> Tensor:
        """The classes of ``n`` samples: those given, in turn, or else all."""
        count = self.spec.n_classes or 0
        given = [classes] if isinstance(classes, int | str) else list(range(count) if classes is None else classes)
        if not given:
            raise UserError("got no class to sample: name one, or leave the classes out.")
        labels = [self.class_number(one) for one in given]
        return torch.tensor([labels[i % len(labels)] for i in range(n)], device=self.device)

    def class_number(self, given: int | str) -> int:
        """The number of a class that is ``given`` by number or name."""
        names = self.classes or tuple(map(str, range(self.spec.n_classes or 0)))
        if isinstance(given, str) and given in names:
            return names.index(given)
        if str(given).isdecimal() and int(given) < len(names):
            return int(given)
        if not names:
            raise UserError(f"{self.path} was trained without classes: leave the class out.")
        shown = f"{', '.join(names[:20])}{f' and {len(names) - 20} more' if len(names) > 20 else ''}"
        raise UserError(
            f"there is no class {str(given)!r}: use a number from 0 to {len(names) - 1}, or one of {shown}."
        )

    def _checked(self, x: Tensor, *, noise: float = 0.0) -> Tensor:
        return check_values(x, self.spec, noise=noise).to(self.device)

    def _in_parts(self, call: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return self._do(lambda: torch.cat([call(part) for part in torch.split(x, _BATCH)]))

    def _do(self, call: Callable[[], T]) -> T:
        """The result of ``call``, in which the system may refuse what it was asked for with a ValueError or TypeError
        of its own."""
        try:
            with torch.no_grad():
                return call()
        except (ValueError, TypeError) as error:
            text = str(error).rstrip(".")
            raise UserError(f"{type(self.system).__name__} of {self.path} refuses: {text}.") from error

    def need(self, ability: str) -> None:
        """Raise UserError, which says what the system can do, unless it has the ``ability``, one of those that ``can``
        may hold."""
        if ability not in self.can:
            raise self._cannot(ability)

    def _cannot(self, what: str, but: str = "") -> UserError:
        able = but or f"it can {', '.join(self.can) or 'do none of what Gibbsweep asks of systems'}"
        return UserError(f"{type(self.system).__name__} of {self.path} cannot {what}: {able}.")


def load(
    path: Path | str,
    *,
    own: Sequence[type] = (),
    study: Path | str | None = None,
    device: torch.device | str = "cpu",
) -> Model:
    """The trained run in the folder ``path``, in evaluation mode, with its averaged weights where there are some; its
    data set is not needed. For example::

        rbm = gibbsweep.load("runs/cd_k-1/trials/rbm-0003")

    ``own``: classes of configurations that are none of ``gibbsweep_models``; or name in ``study`` the script that
    defines them, which is imported. No other code is run. Raises UserError where ``path`` is no run or has no weights.
    """
    folder = RunFolder(Path(path))
    if folder.path.name == CHECKPOINT:
        folder = RunFolder(folder.path.parent)
    _check_folder(folder)
    _check_device(device)
    if study is not None:
        own = (*own, *own_classes(Path(study)))
    _check_classes(folder, own)
    while True:
        before = _state(folder)
        try:
            return Model(**vars(load_run(folder.path, device=device, own=own)), path=folder.path)
        except UserError:
            if _state(folder) == before:
                raise
            # A run that trains has replaced its checkpoint meanwhile.


def _state(folder: RunFolder) -> bytes:
    state = folder.checkpoint / STATE
    return state.read_bytes() if state.exists() else b""


def _check_folder(folder: RunFolder) -> None:
    """Raise UserError where ``folder`` is none, has not begun, or trains and has saved nothing."""
    if not folder.path.is_dir():
        raise UserError(f"there is no run {str(folder.path)!r}: name a folder such as runs/SWEEP/trials/RUN.")
    if not folder.config.exists() and folder.path.parent == folder.sweep.trials:
        raise UserError(
            f"{folder.path} has no {folder.config.name}: the run has not begun, or its folder was not copied whole; "
            "name another run."
        )
    if folder.config.exists() and not folder.checkpoint.exists() and Outcome.read(folder.path) is None:
        raise UserError(
            f"{folder.path} has saved no weights yet: it trains, or was stopped before its first report; wait for "
            "that, or name another run."
        )


def _check_device(device: torch.device | str) -> None:
    """Raise UserError where ``device`` is no name of one, or this machine has none of that name."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"the device {str(device)!r} cannot be used ({str(error).splitlines()[0]}): choose another, such as cpu."
        ) from error


def _check_classes(folder: RunFolder, own: Sequence[type]) -> None:
    """Raise UserError, with what to do, where the run is of classes that are not named."""
    if own or not folder.config.exists():
        return
    classes = read_json_object(folder.config).get("classes", {})
    foreign = sorted({name for name in classes.values() if not name.startswith("gibbsweep_models.")})
    if foreign:
        raise UserError(
            f"{folder.path} is of the class {foreign[0]}, which is none of gibbsweep_models and would be run: name the "
            "study's script that defines it, study='sweeps/STUDY.py' in Python or --study on the command line."
        )


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)
