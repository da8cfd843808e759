"""The data sets that need no download: made from installed packages or drawn from a density."""
