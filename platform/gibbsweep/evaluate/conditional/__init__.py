"""Evaluators of samples of a class that is asked for: distances, class accuracy, what a classifier learns from
them, and scales of guidance."""
