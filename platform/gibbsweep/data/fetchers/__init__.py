"""How each known data set that is no package's comes from its own source: a fetcher for each, and what runs them."""
