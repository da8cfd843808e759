"""Evaluators of the likelihood of data: nats per example, and bits per dimension."""
