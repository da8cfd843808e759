"""From a view's name to its splits: which part of a data set, in which form, cut into train, validation and test."""
