"""Figures of a finished table: panels that say what they draw. Each is a figure; :class:`Panels` sets several side by
side.

Study(..., figures={"psnr": ByLevel("test/psnr", SIGMAS, "noise level", "PSNR, dB")})
"""

from gibbsweep.results.figures.compared import AgainstCompared
from gibbsweep.results.figures.grouped_bars import GroupedBars
from gibbsweep.results.figures.importances import Importances
from gibbsweep.results.figures.levels import ByLevel
from gibbsweep.results.figures.metrics import AgainstMetric
from gibbsweep.results.figures.panels import Panel, Panels, PanelsByContender
from gibbsweep.results.figures.row_bars import RowBars
from gibbsweep.results.figures.style import Scale, SymLog

__all__ = [
    "AgainstCompared",
    "AgainstMetric",
    "ByLevel",
    "GroupedBars",
    "Importances",
    "Panel",
    "Panels",
    "PanelsByContender",
    "RowBars",
    "Scale",
    "SymLog",
]
