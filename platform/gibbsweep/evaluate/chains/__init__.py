"""Evaluators of the Markov chain of a model: energies along it, how fast it mixes, and where long runs end."""
