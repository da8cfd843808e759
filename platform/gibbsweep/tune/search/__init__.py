"""The search of one contender: what to try, how far, and what became of it."""
