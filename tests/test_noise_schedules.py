"""What the study of noise schedules reads off its table."""

from __future__ import annotations

from tests.scripts import ROOT, module_of

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row, Statistic


def row(name: str, nfe: float, error: float) -> Row:
    metrics = {"test/nfe": Statistic(nfe, 0.0, 3), "test/share_error": Statistic(error, 0.01, 3)}
    return Row(name, "score", {}, metrics, [1, 2, 3], 1, 0.0, {"completed": 3}, {"sampling.nfe": nfe})


def test_a_sampler_is_good_from_where_all_larger_numbers_are() -> None:
    rows = [
        *(row("lucky", nfe, error) for nfe, error in ((30, 0.01), (100, 0.022), (300, 0.016), (1000, 0.017))),
        *(row("steady", nfe, 0.01) for nfe in (1000, 30)),
        *(row("lost", nfe, error) for nfe, error in ((30, 0.01), (1000, 0.021))),
    ]
    results = Results("noise_schedules", "?", "two_modes", "laptop", "CPU", "0", {}, rows)
    assert module_of(ROOT / "sweeps" / "noise_schedules.py").findings(results) == [
        "lucky: the modes' shares are within two points from 300 evaluations on.",
        "steady: the modes' shares are within two points from 30 evaluations on.",
        "lost: the modes' shares are not within two points in the most evaluations, 1000.",
    ]
