"""The search of a real sweep on a virtual clock: learning curves instead of training."""
