"""One trained model at many scales of its guidance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.conditional.class_distances import ROWS, class_rows, classes_of, drawn, measured, prepared
from gibbsweep.evaluate.drawing.figures import figure_pixels
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.features.network import Features
from gibbsweep.evaluate.samples.sample_distances import distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleGuided

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = Mapping[float, Mapping[str, float]]
"""By scale, the numbers measured there."""


@dataclass(frozen=True)
class GuidanceScales:
    """Samples at each of ``scales``, ascending, from the same noise and of the classes that the split's examples have; nothing is
    retrained.

    ``frechet_distance_at_S``, ``class_accuracy_at_S`` and ``recall_at_S`` at each scale S. ``guidance_scale`` is where the distance to
    *validation* examples is least, which the test split has no say in; there the numbers of
    :class:`~gibbsweep.evaluate.conditional.class_distances.ClassDistances` are measured on samples from fresh noise. ``interior_margin``: by which share the
    lower of the distances at the two ends exceeds the least in between; above 0 the optimum is in the interior.

    Pictures, unless ``metrics_only``: ``guidance_curve``, ``guidance_grid`` (a row a class, a column a scale, the same noise along a row),
    and ``samples`` at the chosen scale.
    """

    scales: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    n: int = 500
    features: Features = "classifier"
    metrics_only: bool = False
    needs: ClassVar[type] = CanSampleGuided

    def __post_init__(self) -> None:
        if len(self.scales) < 3 or list(self.scales) != sorted(set(self.scales)):
            raise UserError(f"a curve over scales needs at least three, ascending: got {self.scales}.")

    def prepare(self, dataset: Dataset) -> str:
        return prepared(dataset, self.features)

    def __call__(self, system: CanSampleGuided, split: Split, *, generator: torch.Generator) -> Evaluation:
        validation = split.dataset.validation if split.part == "test" else split
        asked = classes_of(split, min(self.n, len(split), len(validation)), generator.device)

        def at(scale: float, y: Tensor) -> Tensor:
            return drawn(lambda part: system.sample_guided(part, scale, generator=generator).x, y)

        state = generator.get_state()
        curve, on_validation = {}, {}
        for scale in self.scales:
            generator.set_state(state)
            x = at(scale, asked)
            curve[scale] = measured(x, asked, split, self.features)
            on_validation[scale] = (curve[scale] if validation is split else distances(x, validation, self.features))[
                "frechet_distance"
            ]
        chosen = min(self.scales, key=on_validation.__getitem__)
        metrics = {
            **measured(at(chosen, asked), asked, split, self.features),
            **{f"{name}_at_{s:g}": curve[s][name] for s in self.scales for name in SHOWN},
            "guidance_scale": chosen,
            "interior_margin": interior_margin([curve[scale]["frechet_distance"] for scale in self.scales]),
        }
        if self.metrics_only:
            return Evaluation(metrics)
        rows = torch.arange(min(ROWS, len(split.dataset.classes)), device=generator.device)
        columns = []
        for scale in self.scales:
            generator.set_state(state)
            columns.append(at(scale, rows))
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        return Evaluation(
            metrics,
            {
                "guidance_curve": figure_pixels(draw_curve(curve, chosen)),
                "guidance_grid": image_grid(grid, columns=len(self.scales), binary=split.units == "binary"),
                "samples": class_rows(lambda y: at(chosen, y), split, generator.device),
            },
        )


SHOWN = {"frechet_distance": "Fréchet distance", "class_accuracy": "class accuracy", "recall": "recall"}


def interior_margin(values: Sequence[float]) -> float:
    """min(first, last) / min(those between) - 1."""
    return min(values[0], values[-1]) / min(values[1:-1]) - 1


def draw_curve(curve: Curve, chosen: float) -> Figure:
    """Distance, accuracy and recall against the scale, with the least distance (a ring) and the chosen scale (a line)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 2.8), layout="constrained")
    scales = list(curve)
    places = range(len(scales))  # scales that double, and a 0: evenly apart
    for axes, (name, label) in zip(figure.subplots(1, 3), SHOWN.items(), strict=True):
        values = [curve[scale][name] for scale in scales]
        axes.plot(places, values, marker=".")
        axes.axvline(scales.index(chosen), color="0.6", ls=":", label=f"chosen on validation: {chosen:g}")
        if name == "frechet_distance":
            best = min(places, key=values.__getitem__)
            axes.plot(best, values[best], "o", ms=11, mfc="none", color="C3", label=f"least: {scales[best]:g}")
            axes.legend(frameon=False, fontsize=7)
        axes.set_xticks(places, [f"{scale:g}" for scale in scales], fontsize=8)
        axes.set_xlabel("guidance scale")
        axes.set_title(label, fontsize=9)
        axes.grid(alpha=0.3)
    return figure
