"""Decoded examples: in memory, as memory-mapped Arrow files in the cache, and at another size."""
