"""Commands that treat whole sweeps, and go on from what they have trained."""
