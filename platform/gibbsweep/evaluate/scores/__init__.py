"""Evaluators of a score or a denoiser at each noise level: its error, and a picture of its field."""
