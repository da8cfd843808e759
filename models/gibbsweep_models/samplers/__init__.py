"""Samplers: frozen dataclasses of numbers that meet their model at the call."""
