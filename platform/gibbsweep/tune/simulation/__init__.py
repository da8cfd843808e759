"""The same search on a virtual clock: learning curves instead of training."""
