"""Does an energy fill holes better than a GAN?

Three holes: 8 x 8 and 16 x 16 in the middle of a 32 x 32 image, and every second pixel at random. An energy needs no
training for holes: known pixels are held in their place while Langevin dynamics moves the others, at one noise level
(``cd``, trained by contrastive divergence), down a sequence of them (``dsm``, trained by denoising score matching on
whole images), or in the potentials of Energy Matching (Balcerak et al. 2025) and Equilibrium Matching (Wang & Du 2025).
``dsm_hole`` is trained for it: score matching with noise in random holes only. Compared with them, a GAN fills a hole
with the image of the latent that fits what is known; a context encoder and a masked autoencoder are trained for it. All
but the GAN start from one smooth fill, a spline in tension: the row ``smooth_fill`` is that start alone, and what a
method learned is what it adds. It, means and the biharmonic surface learn nothing. PSNR and SSIM of single completions
in the hole alone, PSNR of the mean of several (which is what the squared error rewards), and how far apart completions
are, answer the question.

    python sweeps/inpainting.py                      original CIFAR-10 pixels, ten minutes on two cores
    python sweeps/inpainting.py --data cifar10       all of CIFAR-10
"""

from __future__ import annotations

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Int, Sizes, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import Inpainting
from gibbsweep.evaluate.restoring.inpainting import MASKS
from gibbsweep.results.figures import GroupedBars
from gibbsweep.study import by_budget, equal_updates
from gibbsweep.study.shared.restoring import BATCHES, CD_SPACE, CONV_SIZES, POTENTIAL, POTENTIAL_SIZES, RATE, UNET_SIZES
from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.energy_matching import EnergyMatchingConfig
from gibbsweep_models.energy.equilibrium_matching import EquilibriumMatchingConfig
from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
from gibbsweep_models.noise import GeometricSchedule
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.samplers.diffusion import AnnealedInpainting

UNETS: Sizes = {"smoke": {"channels": (8, 8)}, **UNET_SIZES}
POTENTIALS: Sizes = {"smoke": {"potential.network.channels": (8, 8), "inpaint_steps": 5}, **POTENTIAL_SIZES}
LARGE_GAN = {"channels": (64, 128, 256), "latent_dim": 128, "search_steps": 500, "ema_decay": 0.999}
CRITIC = {"adversarial": Float(0.001, 0.03, log=True), "critic_learning_rate": Float(1e-4, 1e-3, log=True)}

TWO_STEPS = AnnealedInpainting(
    n_steps=2, steps_per_level=1, step_size=1.0, temperature=0.0, schedule=GeometricSchedule(0.3, 1.0)
)
"""Nearly the mean of the completions: Tweedie's step from a level where the hole says nothing, and one to sharpen."""
FINE = AnnealedInpainting(n_steps=6, step_size=0.7, temperature=0.0, schedule=GeometricSchedule(0.03, 0.3))
"""From the smooth fill, which is about right: levels above its error would only blur it."""

CONTENDERS = {
    "dsm": Contender(
        DSMEnergyConfig(schedule=GeometricSchedule(0.03, 2.0), learning_rate=4e-3, inpainting=FINE),
        space={"inpainting.temperature": Choice(0.0, 0.02, 0.1), "inpainting.step_size": Float(0.3, 1.0), **RATE},
        by_budget=UNETS,
    ),
    "dsm_hole": Contender(
        HoleEnergyConfig(learning_rate=4e-3, schedule=GeometricSchedule(0.1, 2.0), inpainting=TWO_STEPS),
        space=RATE,
        by_budget=UNETS,
    ),
    "cd": Contender(
        ConvEBMConfig(cd=LangevinCD(n_steps=15)),
        space={"inpaint_temperature": Float(0.01, 1.0, log=True), **CD_SPACE},
        by_budget={"smoke": {"inpaint_steps": 5}, **CONV_SIZES},
    ),
    "energy_matching": Contender(
        EnergyMatchingConfig(POTENTIAL, learning_rate=4e-3),
        space={"inpaint_steps": Int(5, 200, log=True), "step_size": Float(0.005, 0.05, log=True), **RATE},
        by_budget=POTENTIALS,
    ),
    "equilibrium_matching": Contender(
        EquilibriumMatchingConfig(POTENTIAL, learning_rate=4e-3),
        space={"inpaint_steps": Int(5, 200, log=True), "rest": Float(0.05, 0.5), **RATE},
        by_budget=POTENTIALS,
    ),
    "gan": Contender(
        GANConfig(search_steps=30),
        space={
            "search_learning_rate": Float(0.03, 0.3, log=True),
            "search_realism": Float(1e-4, 1e-1, log=True),
            "generator_learning_rate": Float(3e-4, 2e-3, log=True),
        },
        by_budget={"smoke": {"search_steps": 3}, "gpu": LARGE_GAN, "paper": LARGE_GAN},
    ),
    "context_encoder": Contender(
        MaskedAutoencoderConfig(adversarial=0.01, learning_rate=4e-3), space={**CRITIC, **RATE}, by_budget=UNETS
    ),
    "masked_autoencoder": Contender(MaskedAutoencoderConfig(learning_rate=4e-3), space=RATE, by_budget=UNETS),
    "biharmonic": Contender(ClassicalInpainterConfig("biharmonic")),
    "smooth_fill": Contender(ClassicalInpainterConfig("smooth")),
    "mean_image": Contender(ClassicalInpainterConfig("mean_image")),
    "mean_known": Contender(ClassicalInpainterConfig("mean_known")),
}
ENERGIES = ("dsm", "dsm_hole", "cd", "energy_matching", "equilibrium_matching")
TO_BEAT = {"gan": "gan", "context_encoder": "context_encoder", "smooth_fill": "the smooth fill that they start from,"}
"""Contenders that are to be beaten on every hole, and what a target calls them."""
HOLES = [mask.name for mask in MASKS]
# Fewer images where hardware is scarce: completions by search and by chains cost hundreds of evaluations an image.
N_IMAGES = by_budget(smoke=4, laptop=100, paper=None, other=500)
SHOWN = {"psnr": "PSNR", "psnr_of_mean": "of mean", "ssim": "SSIM", "diversity": "diversity"}

STUDY = Study(
    name="inpainting",
    question="Does an energy fill holes better than a GAN?",
    data="cifar10_4k",
    needs=DataNeeds(dims=3),
    contenders=CONTENDERS,
    goal=Goal("validation/psnr_holes", "maximize"),
    evaluators=(Inpainting(limit=by_budget(smoke=4, other=40), n_completions=2),),
    final_evaluators=(Inpainting(limit=N_IMAGES, n_completions=by_budget(smoke=2, laptop=2, other=3)),),
    columns={f"test/{metric}_{hole}": f"{name} {hole}" for metric, name in SHOWN.items() for hole in HOLES},
    budgets=equal_updates(
        by_budget(smoke=4, laptop=300, long=2_000, gpu=20_000, paper=200_000),
        batch_size=BATCHES,
        reports=by_budget(smoke=2, laptop=1, long=4, gpu=10, paper=20),
    ),
    targets=(
        *(
            Target(f"{words} on {hole}", f"test/psnr_{hole}", ">", ENERGIES, (name,))
            for name, words in TO_BEAT.items()
            for hole in HOLES
        ),
        Target("biharmonic on centre16", "test/psnr_centre16", ">", ENERGIES, ("biharmonic",)),
    ),
    figures={
        "psnr": GroupedBars(
            {f"test/psnr_{hole}": hole for hole in HOLES},
            "hole",
            "PSNR in the hole, dB (tick: of the mean completion)",
            ticks={f"test/psnr_{hole}": f"test/psnr_of_mean_{hole}" for hole in HOLES},
            limits=(8, None),
        )
    },
    pictures=("inpainted",),
)

if __name__ == "__main__":
    run_study(STUDY)
