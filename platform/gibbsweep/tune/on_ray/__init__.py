"""The only code that imports Ray: it starts or joins a cluster, and carries a plan out with Ray Tune and Ray Train.

What of Ray is used:

- ``ray.init``: one cluster, joined or started on this machine (``cluster.py``).
- Tune's ``Tuner`` with a ``Searcher`` that hands out the plan's runs and a ``TrialScheduler`` that passes reports on
  (``bridge.py``); its actors are reused, so that a trial does not wait for a new process.
- Train's ``TorchTrainer`` around the training loop of every trial: in the trial's own process for one worker, over a
  worker group for more (``trial.py``).
- tasks that measure what a trial of each contender needs of a machine (``probing.py``), and tasks of the doctor, which
  look at every machine (``examine.py``).
- ``ray.autoscaler.v2.sdk.get_cluster_status``: why machines do not come (``autoscaler.py``).

A trial proves that its folder is the driver's before it writes anything (``same_folder.py``).

What of Tune is switched off, and why:

- its search state, restore and experiment checkpoints: the journal is the truth of a sweep, and a crash in the middle
  of one must change no promotion. ``save`` and ``restore`` of the searcher do nothing.
- its retries (``max_failures=0``): they would start a dead run again with as little memory as before; ``retries.py``
  decides.
- its pauses: a trial that waits at a rung ends for Tune, and is a new trial of Tune's when it is promoted. Paused
  trials would count as live, and hold their place.
- its loggers, result files and tables: reports travel through the run folder's own spool, and ``status/`` draws the
  view.
- its SIGINT handler: the first Ctrl-C lets trials finish their reports (``folder/driver.py``).
- its choice of the trial to start: it gives a free process to the oldest trial, whose own process is about to start,
  and ends that process.
- its usage statistics, metrics and state tracking.

The environment variables for this are in ``cluster.py``.
"""
