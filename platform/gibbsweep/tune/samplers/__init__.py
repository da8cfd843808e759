"""Which values a trial tries: a function of the seed, the trial's number and the trials on record."""
