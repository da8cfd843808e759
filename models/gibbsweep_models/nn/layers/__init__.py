"""Layers and blocks that several networks share."""
