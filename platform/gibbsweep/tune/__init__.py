"""Sweeps: search and retraining of a study's contenders. The only package that talks to Ray and Optuna."""
