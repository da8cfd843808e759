"""The state of a sweep, for its driver and for readers of its folder."""
