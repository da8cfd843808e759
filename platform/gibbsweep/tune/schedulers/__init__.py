"""How far each trial runs: to the end, to a rung, or until it falls behind. Pure functions of what was reported."""
