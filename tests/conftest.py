"""What all tests share: a private cache and data folder, one Ray session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One local Ray of two CPUs for the whole run: starting one costs seconds."""
    import ray

    from gibbsweep.tune.on_ray import cluster
    from gibbsweep.tune.options.options import SweepOptions

    cluster.start(SweepOptions(address="local", cpus=2))
    yield
    ray.shutdown()
