"""Evaluators of what a system recognises: classes from logits or features, clusters, and captions of pictures."""
