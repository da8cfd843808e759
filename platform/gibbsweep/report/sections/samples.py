"""What the models draw: pictures through training, sounds, and solids to turn."""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from gibbsweep.folder.layout import IMAGES, SOUNDS, TEST
from gibbsweep.report.blocks import Block, Pictures, Section, Sounds, Strip, Turned, Words
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.ranking import best_first, best_trial, quality
from gibbsweep.report.run import Run

_TURNED = re.compile(r"voxels_(\d+)_sides$")
"""The evaluators' picture of solids from so many sides, a row of views for each."""
_MOST_MOMENTS = 12
_MOST_ROWS = 12
_LARGE = 120_000
"""Bytes of a picture above which it is made smaller."""
_EDGE = 900
_PIXELS = 260
"""The width below which pixels of a picture are shown as squares."""


def section(evidence: Evidence, most_bytes: int) -> Section:
    """For each kind of picture and sound, those of the same seed of each row, best row first."""
    if most_bytes <= 0:
        return Section("samples", "What the models draw")
    runs = _shown_runs(evidence)
    problems: list[str] = []
    pictures = _collect(runs, IMAGES, ".png")
    sounds = {
        kind: {run: files[-1:] for run, files in of.items()} for kind, of in _collect(runs, SOUNDS, ".wav").items()
    }
    total = sum(
        path.stat().st_size for of in (*pictures.values(), *sounds.values()) for files in of.values() for path in files
    )
    moments = _MOST_MOMENTS
    while total * 4 / 3 > most_bytes and moments > 1:
        moments = moments // 2
        pictures = {kind: {run: _spread(files, moments) for run, files in of.items()} for kind, of in pictures.items()}
        total = sum(
            min(path.stat().st_size, _LARGE) for of in pictures.values() for files in of.values() for path in files
        )
    blocks: list[Block] = []
    left = most_bytes
    for kind in sorted(pictures, key=_order):
        if turned := _TURNED.search(kind):
            turns, sheets = int(turned[1]), []
            for run, files in pictures[kind].items():
                uri = _picture(files[-1], problems)
                if uri and len(uri) <= left:
                    left -= len(uri)
                    width, height = _size(files[-1])
                    sheets.append((run, uri, round(width * turns / height, 4)))
            if sheets:
                blocks.append(Turned("solids to turn, after training", sheets, turns))
            continue
        strips = []
        for run, files in pictures[kind].items():
            shown = []
            for path in files:
                uri = _picture(path, problems)
                if uri and len(uri) <= left:
                    left -= len(uri)
                    shown.append((int(path.stem), uri))
                elif uri:
                    problems.append("the page would be too large with all pictures: some are left out.")
            if shown:
                strips.append(Strip(run, shown, pixelated=_size(files[-1])[0] < _PIXELS))
        if strips:
            blocks.append(Pictures(_title(kind), strips))
    for kind in sorted(sounds, key=_order):
        players = []
        for run, files in sounds[kind].items():
            for path in files:
                uri = f"data:audio/wav;base64,{base64.b64encode(path.read_bytes()).decode()}"
                if len(uri) <= left:
                    left -= len(uri)
                    players.append((f"{run}, after {int(path.stem):,} updates", uri))
                else:
                    problems.append("the page would be too large with all sounds: some are left out.")
        if players:
            blocks.append(Sounds(f"{_title(kind)}: sounds", players))
    if problems:
        blocks.append(Words([f"{p[0].upper()}{p[1:]}" for p in dict.fromkeys(problems)], style="quiet"))
    return Section("samples", "What the models draw", blocks)


def _shown_runs(evidence: Evidence) -> dict[str, Run]:
    """A run for each row, by the row's label: the first seed of its retraining, or its best trial."""
    measure = quality(evidence)
    ranked = best_first(evidence, measure) if measure is not None else []
    rows = [*ranked, *(row for row in evidence.rows if row not in ranked)][:_MOST_ROWS]
    shown: dict[str, Run] = {}
    for row in rows:
        retrained = [run for run in evidence.retrained(row.group) if run.front == row.front]
        drawn = [run for run in retrained if run.folder.images.is_dir() or run.folder.sounds.is_dir()]
        best = best_trial(evidence, row.group, measure.goal) if measure is not None and not drawn else None
        if drawn:
            shown[row.label] = min(drawn, key=lambda run: (run.seed, run.name))
        elif best is not None:
            shown[row.label] = best
    return shown


def _collect(runs: dict[str, Run], folder: str, suffix: str) -> dict[str, dict[str, list[Path]]]:
    """The files by kind, such as ``test/samples``, and by the row's label."""
    found: dict[str, dict[str, list[Path]]] = {}
    for label, run in runs.items():
        top = run.folder.path / folder
        by_kind: dict[str, list[Path]] = {}
        for path in sorted(top.rglob(f"*{suffix}")):
            if path.stem.isdigit():
                by_kind.setdefault(path.parent.relative_to(top).as_posix(), []).append(path)
        for kind, files in by_kind.items():
            found.setdefault(kind, {})[label] = _spread(files, _MOST_MOMENTS)
    return found


def _spread(files: Sequence[Path], most: int) -> list[Path]:
    """At most ``most`` of ``files``, evenly spread, the last one among them."""
    if len(files) <= most:
        return list(files)
    if most == 1:
        return [files[-1]]
    return [files[round(i * (len(files) - 1) / (most - 1))] for i in range(most)]


def _picture(path: Path, problems: list[str]) -> str:
    """The picture as a data URI, made smaller where it is large; "" where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        content = path.read_bytes()
        kind = "png"
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if len(content) > _LARGE:
                smaller = image.convert("RGB")
                smaller.thumbnail((_EDGE, 4 * _EDGE))
                buffer = io.BytesIO()
                smaller.save(buffer, "WEBP", quality=85)
                if len(buffer.getvalue()) < len(content):
                    content, kind = buffer.getvalue(), "webp"
        return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        problems.append(
            f"the picture {path.parent.name}/{path.name} of {path.parents[2].name} cannot be read ({error})."
        )
        return ""


def _size(path: Path) -> tuple[int, int]:
    """The width and height of a PNG file in pixels; 0 where it is none."""
    with path.open("rb") as file:
        head = file.read(24)
    width, height = struct.unpack(">II", head[16:24]) if len(head) == 24 else (0, 0)
    return width, height


def _order(kind: str) -> tuple[int, str]:
    """Samples first, then what is drawn during training, then the rest."""
    name = kind.rpartition("/")[2]
    return (0 if name.startswith("samples") else 1 if name in ("voxels", "sounds") else 2, kind)


def _title(kind: str) -> str:
    name = kind.rpartition("/")[2].replace("_", " ")
    if kind.startswith(f"{TEST}/"):
        return f"{name}, after training"
    return f"{name}, through training"
