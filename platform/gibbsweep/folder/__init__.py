"""The folder of a run: every file name once (``layout``), and each format read and written by one function.

A run's process writes here, its sweep's driver reads here, and so does the process that sends a sweep to MLflow. That
one stands beside the trials and must stay small: torch takes seconds to import and hundreds of megabytes to hold. So
nothing in this package imports torch; what needs it is above, in :mod:`gibbsweep.train`.
"""

from gibbsweep.folder.layout import RunFolder, SweepFolder
from gibbsweep.folder.notes import (
    CheckpointCopy,
    Memory,
    MemoryRetry,
    Restart,
    read_copies,
    read_memory_retries,
    read_restarts,
    write_copies,
    write_memory_retries,
    write_restarts,
)
from gibbsweep.folder.outcome import OUTCOME_KINDS, STABILITY, Outcome, OutcomeKind, spent, survived
from gibbsweep.folder.phase import phases, read_phase, write_phase
from gibbsweep.folder.process import only_process
from gibbsweep.folder.spool import SpoolRecord, SpoolWriter, iter_spool, last_record, read_spool, sample_spool
from gibbsweep.folder.whole import as_file_name, disk_full_as_error, write_atomically, write_json

__all__ = [
    "OUTCOME_KINDS",
    "STABILITY",
    "CheckpointCopy",
    "Memory",
    "MemoryRetry",
    "Outcome",
    "OutcomeKind",
    "Restart",
    "RunFolder",
    "SpoolRecord",
    "SpoolWriter",
    "SweepFolder",
    "as_file_name",
    "disk_full_as_error",
    "iter_spool",
    "last_record",
    "only_process",
    "phases",
    "read_copies",
    "read_memory_retries",
    "read_phase",
    "read_restarts",
    "read_spool",
    "sample_spool",
    "spent",
    "survived",
    "write_atomically",
    "write_copies",
    "write_json",
    "write_memory_retries",
    "write_phase",
    "write_restarts",
]
