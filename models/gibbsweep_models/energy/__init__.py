"""Energy-based systems, one file each."""
