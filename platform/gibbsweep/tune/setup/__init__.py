"""From the options of a sweep to its folder: what cannot work is refused, and what all runs need is prepared."""
