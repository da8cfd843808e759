"""Networks from examples to features, codes or logits, and back."""
