"""Energy-based and score-based generative models in plain PyTorch.

One convention, used everywhere in this package:

- An energy is ``E(x) -> (B,)``, low = likely, ``p(x) ∝ exp(-E(x) / T)``. The score is ``-∇E`` at ``T = 1``.
- A noise level is ``sigma``, shape ``(B,)``, in data units; a sampler walks it downwards and its grid ends in 0.
- Data is ``(B, *D)``: batch first, channels first, images in [-1, 1], binary units in {0, 1}.
- Randomness enters through ``generator=`` only, drawn by :mod:`gibbsweep_models.draws`, so that a batch split over
  several workers sees the numbers that one worker would have seen.
- Foreign conventions (DDPM's t, NCSN's eps / 2, JEM's decoupled noise) are converted at the border.

A configuration builds a system for a data set; the system trains in phases and samples:

>>> import torch
>>> from gibbsweep_models.draws import seeded
>>> from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
>>> from gibbsweep_models.types import DataSpec
>>> system = MLPEBMConfig(hidden=(32,), sample_steps=10).build(DataSpec((2,)))
>>> system.sample(5, generator=seeded(0)).x.shape
torch.Size([5, 2])

Each line imports only from those below it:

- ``exported``: a trained system from a folder of its own.
- ``energy``, ``score``, ``baselines``: the systems, one file each.
- ``bases``: what several systems share.
- ``objectives``: training criteria.
- ``likelihood``: partition functions and likelihoods.
- ``samplers``: Markov chains and reverse time.
- ``nn``: networks, denoisers, detectors, maps of the data.
- ``noise``: noise levels and masks.
- ``capabilities``: what an evaluator may ask of a system.
- ``types``, ``draws``, ``parallel``: the protocols, random numbers, and several workers.
"""
