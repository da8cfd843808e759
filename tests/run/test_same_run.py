"""A started run goes on with its own data only: one of the same name and shape is told apart by its content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gibbsweep.data import Metadata, write_parquet
from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train import Budget
from gibbsweep_models.energy.rbm import RBMConfig


def test_another_data_set_of_the_same_name_and_shape_is_refused(tmp_path: Path) -> None:
    root, generator = tmp_path / "data", np.random.default_rng(0)
    (root / "dots").mkdir(parents=True)

    def write() -> None:
        for split in ("train", "test"):
            images = generator.integers(0, 256, (40, 1, 4, 4), dtype=np.uint8)
            path = root / "dots" / f"{split}.parquet"
            path.unlink(missing_ok=True)
            write_parquet(path, images, np.arange(40) % 2, metadata=Metadata(classes=("a", "b")))

    write()
    config = RBMConfig(n_hidden=3, sample_steps=2, annealing_chains=2, equilibration=2)
    budget = Budget(2, batch_size=10, report_every=2)
    assignment = Assignment("a", "rbm", "single", config, 0, "dots", budget, tmp_path / "a", data_root=root)
    assert run(assignment).kind == "completed"
    assert run(assignment).kind == "completed"
    write()
    config_file = RunFolder(assignment.run_dir).config
    before = config_file.read_bytes()
    for _ in range(2):
        with pytest.raises(UserError, match=r"holds another.*data\.fingerprint: "):
            run(assignment)
        assert config_file.read_bytes() == before
        RunFolder(assignment.run_dir).outcome.unlink(missing_ok=True)
