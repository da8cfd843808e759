"""What was trained, put to use: a run is loaded, drawn from, scored with, measured again and exported.

    run = gibbsweep.load("runs/SWEEP/trials/RUN")
    run.sample(64, seed=0).x

Where a line belongs:

- ``find``: from what a person types (a folder, ``SWEEP:RUN``, ``SWEEP:CONTENDER``) to a run's folder;
- ``sweep``, ``rows``, ``best``: a sweep's folder as data frames, its rows, and the best run of each;
- ``model``, ``abilities``: a loaded run, and what it can do;
- ``script``: a study's script, imported for its study and its classes;
- ``examples``, ``masks``: files as examples, and holes in them;
- ``writing``: examples as pictures, sounds and arrays;
- ``measure``: evaluators once more;
- ``export``, ``card``: a folder that needs PyTorch and ``gibbsweep_models`` alone, and its model card.

Nothing is imported here: ``gibbsweep.load`` needs no Optuna, which rows of an unfinished sweep are read with.
"""
