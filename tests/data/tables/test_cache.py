from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from logging.handlers import QueueHandler
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from tests.patience import ENOUGH_S

from gibbsweep.data import load
from gibbsweep.data.tables.cache import cached
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.table import Decoded
from gibbsweep.errors import UserError

WAIT = ENOUGH_S


def files(cache: Path, suffix: str) -> list[Path]:
    return sorted(cache.glob(f"*{suffix}"))


def decode_in_child(name: str, barrier: Any, results: Any) -> None:
    """Runs in a process of its own: loads the set at the same moment as the others, reports pixels and decodings."""
    decodings = Queue[logging.LogRecord]()
    log = logging.getLogger("gibbsweep.data.tables.cache")
    log.addHandler(QueueHandler(decodings))
    log.setLevel(logging.INFO)
    barrier.wait(WAIT)
    data = load(name, validation=0.0)
    results.put((data.train.x.numpy().tobytes(), decodings.qsize()))


def test_processes_that_race_decode_once_and_all_get_the_data(make_set: Callable[..., Any], tmp_path: Path) -> None:
    images = make_set("noise", n=1500)
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(2), spawn.Queue()
    children = [spawn.Process(target=decode_in_child, args=("noise", barrier, results)) for _ in range(2)]
    for child in children:
        child.start()
    got = [results.get(timeout=WAIT) for _ in children]
    for child in children:
        child.join(WAIT)
        assert child.exitcode == 0
    assert all(pixels == images.tobytes() for pixels, _ in got)
    assert sum(decodings for _, decodings in got) == 1
    assert len(files(tmp_path / "cache", ".arrow")) == 1 and not files(tmp_path / "cache", ".part")


STALL = """
import sys, time
from gibbsweep.data import load
from gibbsweep.data.{package} import {module}

original = {module}.{function}
calls = 0
def stalled(*args, **kwargs):
    global calls
    calls += 1
    if calls == {at}:
        print("stalled", flush=True)
        time.sleep(600)
    return original(*args, **kwargs)
{module}.{function} = stalled
load("noise")
"""


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("module", "function", "at", "part"),
    [("files.columns", "decode_image", 20, 0), ("tables.cache", "os.replace", 1, 1)],
)
def test_cache_survives_a_kill_while_decoding(
    make_set: Callable[..., Any], tmp_path: Path, module: str, function: str, at: int, part: int
) -> None:
    images = make_set("noise")
    path = os.pathsep.join(sys.path)
    package, _, name = module.rpartition(".")
    child = subprocess.Popen(
        [sys.executable, "-c", STALL.format(package=package, module=name, function=function, at=at)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"stalled\n"
        child.send_signal(signal.SIGKILL)
        child.wait(WAIT)
    cache = tmp_path / "cache"
    assert not files(cache, ".arrow") and len(files(cache, ".part")) == part and len(files(cache, ".lock")) == 1
    assert np.array_equal(load("noise", validation=0.0).train.x.numpy(), images)
    assert len(files(cache, ".arrow")) == 1 and not files(cache, ".part")


def test_a_second_load_decodes_nothing_and_a_changed_file_is_decoded_anew(
    make_set: Callable[..., Any], root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gibbsweep.data.tables.cache")
    make_set("noise")
    first = load("noise")
    assert load("noise").fingerprint == first.fingerprint and len(caplog.records) == 1
    (root / "noise" / "train.parquet").unlink()
    changed = make_set("noise", seed=1)
    second = load("noise", validation=0.0)
    assert second.fingerprint != first.fingerprint and np.array_equal(second.train.x.numpy(), changed)
    assert len(files(tmp_path / "cache", ".arrow")) == 2


def test_equal_data_has_an_equal_fingerprint_wherever_it_lies(make_set: Callable[..., Any]) -> None:
    make_set("one")
    make_set("two")
    assert load("one").fingerprint == load("two").fingerprint


def test_examples_are_a_view_of_the_mapped_file(make_set: Callable[..., Any], tmp_path: Path) -> None:
    images = make_set("noise")
    split = load("noise", validation=0.0).train
    assert split.x.data_ptr() == split.x.data_ptr() == split.table.x.data_ptr()
    [cache] = files(tmp_path / "cache", ".arrow")
    maps = psutil.Process().memory_maps(grouped=False)
    [mapping] = [m for m in maps if m.path == str(cache)]
    low, high = (int(end, 16) for end in mapping.addr.split("-"))
    assert split.table.y is not None
    assert low <= split.x.data_ptr() < high and low <= split.table.y.data_ptr() < high
    before = cache.read_bytes()
    split.x.zero_()
    assert cache.read_bytes() == before
    assert np.array_equal(load("noise", validation=0.0).train.x.numpy(), images)


def test_opening_costs_no_memory_of_its_own(tmp_path: Path) -> None:
    size = 64 << 20

    def decode() -> Decoded:
        return Decoded(np.zeros((size >> 10, 1024), np.uint8), None, None, Metadata((1024,)))

    cached("big", "key", decode)
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    tables = [cached("big", "key", decode) for _ in range(3)]
    assert process.memory_info().rss - before < size // 4
    for opened in tables:
        assert int(opened.x.sum(dtype=torch.int64)) == 0
    here = os.environ["GIBBSWEEP_CACHE"]  # other tests of this process have tables of their own
    mapped = [m for m in process.memory_maps(grouped=False) if m.path.startswith(here) and m.path.endswith(".arrow")]
    assert len(mapped) == 3
    assert (
        sum(m.anonymous + m.private_dirty for m in mapped) == 0
    )  # every page read is the file's own, in no one's copy


def test_a_pickled_data_set_is_its_recipe(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=2000)
    data = load("noise", units="binary", seed=5, validation=0.2)
    pickled = pickle.dumps(data)
    again = pickle.loads(pickled)
    assert len(pickled) < 1000 and again.spec == data.spec
    assert again.validation.rows is not None and data.validation.rows is not None
    assert torch.equal(again.validation.rows, data.validation.rows)


def test_unwritable_cache(make_set: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_set("noise")
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="cannot write to the cache folder .*GIBBSWEEP_CACHE"):
        load("noise")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_full_disk_is_the_users_to_mend_and_leaves_no_data(
    make_set: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_set("noise")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="No space left on device.*free space"):
            load("noise")
    assert not files(tmp_path / "cache", ".arrow")
    load("noise")


def test_a_damaged_copy_names_itself(make_set: Callable[..., Any], tmp_path: Path) -> None:
    make_set("noise")
    load("noise")
    [cache] = files(tmp_path / "cache", ".arrow")
    cache.write_bytes(cache.read_bytes()[:100])
    with pytest.raises(UserError, match="delete it, and it is made again"):
        load("noise")
    cache.unlink()
    load("noise")
