"""The training loop and what it leaves behind. Needs torch, numpy, pillow, safetensors and filelock alone."""

from gibbsweep.folder import OUTCOME_KINDS, Outcome, OutcomeKind, Restart
from gibbsweep.precisions import Precision, PrecisionOption
from gibbsweep.train.budget import Budget
from gibbsweep.train.contract import Evaluate, Evaluation
from gibbsweep.train.divergence import Diverged
from gibbsweep.train.fit import fit
from gibbsweep.train.loop import train
from gibbsweep.train.part import Part, Segment
from gibbsweep.train.precision import Measured
from gibbsweep.train.report import Composed, Images, Reporter, Sound, Sounds, SpoolReporter, StdoutReporter

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
    "Part",
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
    "train",
]
