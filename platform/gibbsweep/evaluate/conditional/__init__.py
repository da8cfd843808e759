"""Evaluators of samples of a class that is asked for: distances, class accuracy, and scales of guidance."""
