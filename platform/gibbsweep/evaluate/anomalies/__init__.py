"""Evaluators of anomaly scores: held-out classes, synthetic anomalies, and other data sets as outliers."""
