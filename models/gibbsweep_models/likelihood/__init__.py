"""Partition functions and likelihoods: exact where enumeration allows, else bracketed by annealing both ways."""
