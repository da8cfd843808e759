"""What came out of a study: its figures."""
