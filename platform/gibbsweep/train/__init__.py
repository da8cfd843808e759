"""The training loop and what it leaves behind. Needs torch, numpy, pillow and safetensors alone."""

from gibbsweep.train.budget import Budget
from gibbsweep.train.contract import Evaluate, Evaluation
from gibbsweep.train.divergence import Diverged
from gibbsweep.train.fit import fit
from gibbsweep.train.loop import train
from gibbsweep.train.outcome import OUTCOME_KINDS, Outcome, OutcomeKind, survived
from gibbsweep.train.precision import Measured, Precision, PrecisionOption
from gibbsweep.train.report import Composed, Images, Reporter, Sound, Sounds, SpoolReporter, StdoutReporter, spent
from gibbsweep.train.restarts import Restart, read_restarts, write_restarts
from gibbsweep.train.segment import Segment

__all__ = [
    "OUTCOME_KINDS",
    "Budget",
    "Composed",
    "Diverged",
    "Evaluate",
    "Evaluation",
    "Images",
    "Measured",
    "Outcome",
    "OutcomeKind",
    "Precision",
    "PrecisionOption",
    "Reporter",
    "Restart",
    "Segment",
    "Sound",
    "Sounds",
    "SpoolReporter",
    "StdoutReporter",
    "fit",
    "read_restarts",
    "spent",
    "survived",
    "train",
    "write_restarts",
]
