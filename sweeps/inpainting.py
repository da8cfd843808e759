"""Does an energy fill holes better than a GAN?

Three holes: 8 x 8 and 16 x 16 in the middle of a 32 x 32 image, and every second pixel at random. An energy needs no training for
holes: known pixels are held in their place while Langevin dynamics moves the others, at one noise level (``cd``, the
convolutional energy trained by contrastive divergence) or down a sequence of them (``dsm``, trained by denoising score
matching on whole images). ``dsm_hole`` is trained for it: score matching with noise in random holes only. A GAN
fills a hole with the image of the latent that fits what is known; a context encoder and a masked autoencoder are trained for
it, from the same smooth fill from which ``dsm_hole`` starts. That fill, means and the biharmonic surface learn nothing.

Measured in the hole alone: PSNR and SSIM of single completions, PSNR of the mean of several (which is what the squared error
rewards), and how far apart completions are.

    python sweeps/inpainting.py                      original CIFAR-10 pixels, ten minutes on two cores
    python sweeps/inpainting.py --data cifar10       all of CIFAR-10
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, Inpainting
from gibbsweep.evaluate.restoring.inpainting import MASKS
from gibbsweep.results.targets import Target
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study
from gibbsweep.train import Budget
from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
from gibbsweep_models.noise import GeometricSchedule
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.samplers.diffusion import AnnealedInpainting

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def on_test(budget: str) -> tuple[Evaluator, ...]:
    """Fewer images where hardware is scarce: completions by search and by chains cost hundreds of evaluations an image."""
    limit = {"smoke": 10, "laptop": 100}.get(budget, 500)
    return (
        Inpainting(limit=None if budget == "paper" else limit, n_completions=2 if budget in ("smoke", "laptop") else 3),
    )


def on_validation(budget: str) -> tuple[Evaluator, ...]:
    return (Inpainting(limit=8 if budget == "smoke" else 40, n_completions=2),)


LARGE_UNET = {
    "gpu": {"channels": (64, 128, 256), "patch": 1, "ema_decay": 0.999},
    "paper": {"channels": (128, 256, 256), "patch": 1, "blocks": 2, "ema_decay": 0.9999},
}
LEVELS = GeometricSchedule(0.03, 2.0)
TWO_STEPS = AnnealedInpainting(
    n_steps=2, steps_per_level=1, step_size=1.0, temperature=0.0, schedule=GeometricSchedule(0.3, 1.0)
)
"""Nearly the mean of the completions: Tweedie's step from a level at which the hole says nothing, and one to sharpen it."""
FINE = AnnealedInpainting(n_steps=6, step_size=0.7, temperature=0.0, schedule=GeometricSchedule(0.03, 0.3))
"""From the smooth fill, which is about right: levels above its error would only blur it."""

DSM = Contender(
    DSMEnergyConfig(
        schedule=LEVELS,
        learning_rate=4e-3,
        inpainting=FINE,
    ),
    kind="energy",
    space={
        "inpainting.temperature": Choice(0.0, 0.02, 0.1),
        "inpainting.step_size": Float(0.3, 1.0),
        "learning_rate": Float(2e-3, 8e-3, log=True),
    },
    at=LARGE_UNET,
)
DSM_HOLE = Contender(
    HoleEnergyConfig(learning_rate=4e-3, schedule=GeometricSchedule(0.1, 2.0), inpainting=TWO_STEPS),
    kind="energy",
    space={
        "learning_rate": Float(2e-3, 8e-3, log=True),
    },
    at=LARGE_UNET,
)
CD = Contender(
    ConvEBMConfig(cd=LangevinCD(n_steps=15)),
    kind="energy",
    space={
        "inpaint_temperature": Float(0.01, 1.0, log=True),
        "cd.learning_rate": Float(1e-4, 1e-3, log=True),
        "cd.data_noise": Float(0.005, 0.1, log=True),
    },
    at={"gpu": {"channels": (64, 128, 256, 256)}, "paper": {"channels": (128, 256, 512, 512), "cd.n_steps": 60}},
)
GAN = Contender(
    GANConfig(search_steps=30),
    kind="baseline",
    space={
        "search_learning_rate": Float(0.03, 0.3, log=True),
        "search_realism": Float(1e-4, 1e-1, log=True),
        "generator_learning_rate": Float(3e-4, 2e-3, log=True),
    },
    at={
        budget: {"channels": (64, 128, 256), "latent_dim": 128, "search_steps": 500, "ema_decay": 0.999}
        for budget in ("gpu", "paper")
    },
)
CONTEXT_ENCODER = Contender(
    MaskedAutoencoderConfig(adversarial=0.01, learning_rate=4e-3),
    kind="baseline",
    space={
        "adversarial": Float(0.001, 0.03, log=True),
        "critic_learning_rate": Float(1e-4, 1e-3, log=True),
        "learning_rate": Float(2e-3, 8e-3, log=True),
    },
    at=LARGE_UNET,
)
MASKED_AUTOENCODER = Contender(
    MaskedAutoencoderConfig(learning_rate=4e-3),
    kind="baseline",
    space={"learning_rate": Float(2e-3, 8e-3, log=True)},
    at=LARGE_UNET,
)


def psnr_in_the_hole(results: Results) -> Figure:
    """Test PSNR of single completions in each hole (bars), and of the mean of an image's completions (a tick)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(results.rows))
    for i, row in enumerate(results.rows):
        found = [(j, mask.name) for j, mask in enumerate(MASKS) if f"test/psnr_{mask.name}" in row.metrics]
        places = [j - 0.4 + (i + 0.5) * width for j, _ in found]
        single = [row.metrics[f"test/psnr_{name}"] for _, name in found]
        of_mean = [row.metrics[f"test/psnr_of_mean_{name}"].mean for _, name in found]
        axes.bar(places, [s.mean for s in single], width, yerr=[s.sd for s in single], label=row.label)
        axes.scatter(places, of_mean, marker="_", color="black", s=60, zorder=3)
    axes.set_xticks(range(len(MASKS)), [mask.name for mask in MASKS])
    axes.set_ylabel("PSNR in the hole, dB (tick: of the mean completion)")
    axes.set_title(f"{results.question} ({results.data}, {results.budget})", fontsize=10)
    axes.set_ylim(bottom=8)
    axes.grid(alpha=0.3, axis="y")
    if results.rows:
        axes.legend(frameon=False, fontsize=8, ncols=2)
    return figure


ENERGIES, GANS = ("dsm", "dsm_hole", "cd"), ("gan", "context_encoder")

STUDY = Study(
    name="inpainting",
    question="Does an energy fill holes better than a GAN?",
    data="cifar10_4k",
    needs=DataNeeds(dims=3),
    contenders={
        "dsm": DSM,
        "dsm_hole": DSM_HOLE,
        "cd": CD,
        "gan": GAN,
        "context_encoder": CONTEXT_ENCODER,
        "masked_autoencoder": MASKED_AUTOENCODER,
        "biharmonic": Contender(ClassicalInpainterConfig("biharmonic"), kind="baseline"),
        "smooth": Contender(ClassicalInpainterConfig("smooth"), kind="baseline"),
        "mean_image": Contender(ClassicalInpainterConfig("mean_image"), kind="baseline"),
        "mean_known": Contender(ClassicalInpainterConfig("mean_known"), kind="baseline"),
    },
    default=(
        "dsm",
        "dsm_hole",
        "cd",
        "gan",
        "context_encoder",
        "masked_autoencoder",
        "biharmonic",
        "mean_image",
        "mean_known",
    ),
    goal=Goal("validation/psnr_holes", "maximize"),
    evaluators=on_validation,
    final_evaluators=on_test,
    columns={
        **{f"test/psnr_{mask.name}": f"PSNR {mask.name}" for mask in MASKS},
        **{f"test/psnr_of_mean_{mask.name}": f"of mean {mask.name}" for mask in MASKS},
        **{f"test/ssim_{mask.name}": f"SSIM {mask.name}" for mask in MASKS},
        **{f"test/diversity_{mask.name}": f"diversity {mask.name}" for mask in MASKS},
    },
    budgets={
        "smoke": Budget(updates=4, batch_size=8, report_every=2),
        "laptop": Budget(updates=300, batch_size=16, report_every=300),
        "long": Budget(updates=2_000, batch_size=32, report_every=500),
        "gpu": Budget(updates=20_000, batch_size=128, report_every=2_000),
        "paper": Budget(updates=200_000, batch_size=128, report_every=10_000),
    },
    targets=(
        *(
            Target(f"{gan} on {mask.name}", f"test/psnr_{mask.name}", ">", ENERGIES, (gan,))
            for gan in GANS
            for mask in MASKS
        ),
        Target("biharmonic on centre16", "test/psnr_centre16", ">", ENERGIES, ("biharmonic",)),
    ),
    trials=2,
    seeds=3,
    figures={"psnr": psnr_in_the_hole},
    pictures=("inpainted",),
)

if __name__ == "__main__":
    run_study(STUDY)
