"""One contender's search: what to try, how far, and what became of it."""
