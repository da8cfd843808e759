"""Decides whether one more run may start: devices, memory, disk, and a person's wish to stop."""
