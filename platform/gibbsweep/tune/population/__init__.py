"""Population-based training: generations, donors, copied checkpoints and the schedules that result."""
