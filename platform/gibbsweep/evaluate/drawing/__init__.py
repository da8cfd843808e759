"""Examples, solids, sounds and figures as pixels: what every evaluator draws with, and no evaluator itself."""
