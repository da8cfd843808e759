"""The networks in whose features samples are compared with data, and the distances between two sets of features."""
