"""Decoded examples: in memory, as memory-mapped Arrow files of the cache, and resized."""
