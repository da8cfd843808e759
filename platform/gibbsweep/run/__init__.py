"""One run of a study, from its assignment to its outcome. Knows no Ray, Optuna or MLflow."""
