"""Systems that energy-based and score-based models are judged against, one file each."""
