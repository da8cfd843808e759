"""Downloads known data sets from their own sources and writes them in canonical form; one fetcher for each source."""
