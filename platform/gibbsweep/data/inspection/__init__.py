"""Questions about a data set: what there is, what is in it, and whether a study can use it."""
