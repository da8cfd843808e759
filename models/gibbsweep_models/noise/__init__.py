"""Noise levels: their shapes and their schedules."""
