"""From options to a sweep that may start: its folder and record, and what is refused before the first trial."""
