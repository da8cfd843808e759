"""The plan of a sweep: which run starts next, and when the sweep is over. Knows no Ray."""
