"""Score-based systems, one file each."""
