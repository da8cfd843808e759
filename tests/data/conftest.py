"""Every test of this folder gets an empty data root and an empty cache of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gibbsweep.data import Metadata, write_parquet


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("GIBBSWEEP_DATA", str(folder))
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@pytest.fixture(scope="session")
def kept_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def real_root(
    real_set: Callable[[str], Path], kept_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """The folder that holds the real set of a name; what is decoded of it is kept for the next test."""
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(kept_cache))
    return real_set


@pytest.fixture(params=["stand-ins", pytest.param("real", marks=pytest.mark.real_data)])
def any_root(
    request: pytest.FixtureRequest, stand_ins: Path, real_root: Callable[[str], Path]
) -> Callable[[str], Path]:
    """The folder that holds the set of a name: that of the stand-ins, and in the group ``real_data`` that of the real
    sets."""
    return real_root if request.param == "real" else lambda name: stand_ins


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the loopback address that serves it."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def bundled_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundled")


@pytest.fixture
def make_set(root: Path) -> Callable[..., np.ndarray[Any, Any]]:
    """Write ROOT/NAME/SPLIT.parquet of random images and labels i % 10; returns the images (N, *shape)."""

    def make(
        name: str, split: str = "train", n: int = 40, shape: tuple[int, ...] = (1, 6, 5), seed: int = 0
    ) -> np.ndarray[Any, Any]:
        images = np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
        metadata = Metadata(classes=tuple("0123456789"), source="noise", licence="CC0")
        write_parquet(root / name / f"{split}.parquet", images, np.arange(n) % 10, metadata=metadata)
        return images

    return make
