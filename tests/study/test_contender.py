"""What a contender knows of itself: its kind, and the columns that its metrics usually have."""

from __future__ import annotations

import pytest
from tests.tiny import RBM, MeanConfig

from gibbsweep.errors import UserError
from gibbsweep.study import Contender, columns
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.score.score_model import ScoreModelConfig


def test_the_kind_is_that_of_the_package_unless_it_is_named() -> None:
    assert [Contender(config).kind for config in (RBM, ScoreModelConfig(), GANConfig())] == [
        "energy",
        "score",
        "baseline",
    ]
    assert Contender(ScoreModelConfig.ddpm(), kind="baseline").kind == "baseline"
    with pytest.raises(UserError, match="MeanConfig is from none of .* energy, score, baselines, .* kind='energy' or"):
        Contender(MeanConfig())


def test_metrics_have_usual_headings() -> None:
    assert columns("frechet_distance", "recall") == {"test/frechet_distance": "FD", "test/recall": "recall"}
    assert columns("synthetic_auroc", split="validation") == {"validation/synthetic_auroc": "synthetic"}
    with pytest.raises(UserError, match="no usual heading for bogus: write the column out, {'test/bogus': 'HEADING'}"):
        columns("recall", "bogus")
