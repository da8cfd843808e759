"""Population-based training: who goes on from whose checkpoint, with which values."""
