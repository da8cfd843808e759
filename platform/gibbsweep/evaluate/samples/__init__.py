"""Evaluators of samples from noise: how far they are from data, what they cost, and what they look and sound like."""
