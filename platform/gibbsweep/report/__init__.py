"""A sweep as one HTML page that needs no network, and its figures for a paper.

:func:`write_page` writes the page of one or several sweeps, :func:`write_figures` their figures as SVG and PDF. Both
read sweeps' folders alone: running, stopped, finished or damaged. ``evidence.py`` reads a folder, ``sections/`` has a
file for each section of the page, ``chart.py`` says what a figure draws, ``browser.py`` and ``paper.py`` draw it.
"""

from gibbsweep.report.evidence import Evidence, page_path, read_evidence
from gibbsweep.report.page import write_page
from gibbsweep.report.paper import write_figures

__all__ = ["Evidence", "page_path", "read_evidence", "write_figures", "write_page"]
