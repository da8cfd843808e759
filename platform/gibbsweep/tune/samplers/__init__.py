"""The values that a trial tries, as a function of the seed, the trial's number and the trials on record."""
