"""Samplers: frozen dataclasses of numbers that meet their model at the call.

- ``mcmc``: Markov chains under an energy or a machine with hidden units, and their diagnostics.
- ``diffusion``: from noise to data with a denoiser, in reverse time or by annealing.
"""
