"""Where a sweep stands, for its driver and for whoever reads its folder."""
