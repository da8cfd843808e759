"""ModelNet and ShapeNet from small meshes and grids in their real formats, and the voxelization by closed form."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.exchange.binvox import export_binvox

from gibbsweep.cli import main
from gibbsweep.data import fetch, info, load
from gibbsweep.data.fetchers import modelnet
from gibbsweep.data.fetchers.shapenet import _in_test
from gibbsweep.data.formats.meshes import CONTENT, binvox_grid, mesh_grid
from gibbsweep.errors import UserError

BOX = trimesh.creation.box(extents=(4.0, 2.0, 1.0))
BALL = trimesh.creation.icosphere(subdivisions=3, radius=5.0)


def off(mesh: Any, *, glued: bool = False) -> bytes:
    text = mesh.export(file_type="off")
    return (text.replace("OFF\n", "OFF", 1) if glued else text).encode()


def extents(grid: np.ndarray[Any, Any]) -> list[int]:
    return [int(np.ptp(np.nonzero(grid.any(axis=tuple({0, 1, 2} - {axis})))[0])) + 1 for axis in range(3)]


@settings(max_examples=20, deadline=None)
@given(
    edges=st.tuples(*[st.floats(0.2, 1.0)] * 3),
    scale=st.floats(1e-3, 1e3),
    shift=st.tuples(*[st.floats(-100.0, 100.0)] * 3),
)
def test_a_box_is_solid_centred_and_as_long_as_it_is(edges: Any, scale: float, shift: Any) -> None:
    mesh = trimesh.creation.box(extents=np.array(edges) * scale)
    mesh.apply_translation(np.array(shift) * scale)
    grid = mesh_grid(off(mesh), "off", "box")
    assert grid.shape == (32, 32, 32) and grid.dtype == np.bool_
    found = extents(grid)
    for n, edge in zip(found, edges, strict=True):
        assert abs(n - 1 - edge / max(edges) * (CONTENT - 1)) <= 0.5 + 1e-6
    assert max(found) == CONTENT and int(grid.sum()) == np.prod(found)  # no hole inside
    for axis, n in enumerate(found):
        low = int(np.nonzero(grid.any(axis=tuple({0, 1, 2} - {axis})))[0][0])
        assert low == (32 - n) // 2


def test_a_ball_has_the_volume_of_a_ball() -> None:
    volume = float(mesh_grid(off(BALL), "off", "ball").sum())
    inner, outer = (4 / 3 * np.pi * r**3 for r in ((CONTENT - 2) / 2, (CONTENT + 1) / 2))
    assert inner < volume < outer


def test_a_glued_header_is_read_like_any_other() -> None:
    assert off(BOX, glued=True).startswith(b"OFF8 12 0")
    assert np.array_equal(mesh_grid(off(BOX, glued=True), "off", "a"), mesh_grid(off(BOX), "off", "b"))


def test_corners_that_no_face_uses_do_not_count() -> None:
    far = trimesh.Trimesh(np.vstack([BOX.vertices, [[99.0, 99.0, 99.0]]]), BOX.faces, process=False)
    assert np.array_equal(mesh_grid(off(far), "off", "far"), mesh_grid(off(BOX), "off", "near"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"OFF 8 12 0\n1 2", "cannot be read as a mesh"),
        (b"", "cannot be read as a mesh"),
        (b"OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "has no surface"),
        (b"OFF\n3 0 0\n1 1 1\n0 1 1\n1 0 1\n", "cannot be read as a mesh|has no surface"),
        (b"OFF\n3 1 0\nnan 1 1\n0 1 1\n1 0 1\n3 0 1 2\n", "no finite place"),
    ],
)
def test_a_mesh_of_nothing_names_its_file(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=f"chair.off.*({message})"):
        mesh_grid(content, "off", "chair.off")


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_binvox_grids_keep_their_axes_and_every_set_voxel(factor: int) -> None:
    coarse = np.random.default_rng(0).random((32, 32, 32)) < 0.05
    fine = np.zeros((32 * factor,) * 3, np.bool_)
    fine[::factor, ::factor, ::factor] = coarse  # one corner of each block
    content = export_binvox(trimesh.voxel.VoxelGrid(fine))
    assert np.array_equal(binvox_grid(content, "grid"), coarse)


def test_a_bad_binvox_file() -> None:
    with pytest.raises(UserError, match="grid.binvox cannot be read as binvox"):
        binvox_grid(b"#binvox 1\ndim 32 32\n", "grid.binvox")
    odd = export_binvox(trimesh.voxel.VoxelGrid(np.ones((30, 30, 30), np.bool_)))
    with pytest.raises(UserError, match=r"a grid of \(30, 30, 30\): expected a cube of 32"):
        binvox_grid(odd, "grid.binvox")


@pytest.fixture
def archive(mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ModelNet10.zip of two classes, as the real one is: with a glued header, foreign files and unsorted names."""
    folder, address = mirror
    path = folder / "ModelNet10.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, mesh, glued in (
            ("sofa/train/sofa_0002.off", BALL, False),
            ("sofa/train/sofa_0001.off", BOX, True),
            ("bed/train/bed_0001.off", BALL, True),
            ("bed/test/bed_0002.off", BOX, False),
            ("sofa/test/sofa_0003.off", BALL, False),
        ):
            file.writestr(f"ModelNet10/{name}", off(mesh, glued=glued))
        file.writestr("ModelNet10/.DS_Store", b"\0")
        file.writestr("ModelNet10/sofa/train/.DS_Store", b"\0")
        file.writestr("__MACOSX/ModelNet10/sofa/train/._sofa_0001.off", b"\0")
        file.writestr("ModelNet10/README.txt", b"read me")
    monkeypatch.setitem(modelnet.ADDRESSES, "ModelNet10", f"{address}ModelNet10.zip")
    return path


def check_modelnet() -> None:
    data = load("modelnet10", units="binary", validation=0.0)
    assert data.spec.shape == (1, 32, 32, 32) and data.classes == ("bed", "sofa")
    assert data.train.y is not None and data.train.y.tolist() == [0, 1, 1]
    assert data.test.y is not None and data.test.y.tolist() == [0, 1]
    box, ball = (mesh_grid(off(mesh), "off", "mesh") for mesh in (BOX, BALL))
    x = data.train.batch(slice(None))["x"].numpy()[:, 0]
    assert np.array_equal(x, np.stack([ball, box, ball]).astype(np.float32))
    assert info("modelnet10")["occupied"] == np.mean([ball, box, ball])


@pytest.mark.usefixtures("archive")
def test_modelnet_is_downloaded_and_voxelized() -> None:
    fetch("modelnet10")
    check_modelnet()


@pytest.mark.usefixtures("archive")
def test_many_meshes_are_voxelized_side_by_side_and_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelnet, "_FEW", 1)
    with joblib.parallel_config(backend="threading"):  # processes cost seconds to start
        fetch("modelnet10")
    check_modelnet()


@pytest.mark.parametrize("part", ["file", "folder"])
def test_modelnet_from_an_archive_that_is_there(archive: Path, part: str, root: Path) -> None:
    fetch("modelnet10", source=archive if part == "file" else archive.parent)
    check_modelnet()
    assert sorted(path.name for path in root.iterdir() if not path.name.startswith(".")) == ["modelnet10"]


def test_a_damaged_archive_names_the_mesh(archive: Path, root: Path) -> None:
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as file:
        member = file.getinfo("ModelNet10/bed/train/bed_0001.off")
    start = member.header_offset + 30 + len(member.filename)
    content[start + 50 : start + 60] = b"\xff" * 10
    archive.write_bytes(content)
    with pytest.raises(UserError, match="bed_0001.off of .* is damaged"):
        fetch("modelnet10")
    assert not list(root.rglob("*.parquet"))


def test_modelnet_files_that_are_none(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="does not hold the files of 'modelnet40'"):
        fetch("modelnet40", source=tmp_path)
    (tmp_path / "ModelNet40.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="ModelNet40.zip is no complete zip archive"):
        fetch("modelnet40", source=tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "b")
    (tmp_path / "ModelNet40.zip").write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match="holds no meshes CLASS/train/NAME.off"):
        fetch("modelnet40", source=tmp_path)
    monkeypatch.setitem(modelnet.ADDRESSES, "ModelNet40", "http://127.0.0.1:9/ModelNet40.zip")
    with pytest.raises(UserError, match="could not download 'modelnet40'.*needs the network"):
        fetch("modelnet40")
    assert not (root / "modelnet40").exists()


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Thirty models of two synsets: OBJ files; every third has a binvox file, beside one of its surface alone."""
    folder = tmp_path / "ShapeNet"
    for i in range(30):
        models = folder / ("03001627" if i % 2 else "99999999") / f"model{i}" / "models"
        models.mkdir(parents=True)
        (models / "model_normalized.obj").write_text("mtllib model.mtl\n" + BOX.export(file_type="obj"))
        if i % 3 == 0:
            solid, surface = (np.zeros((32, 32, 32), np.bool_) for _ in range(2))
            solid[i % 8 : i % 8 + 5] = True
            surface[0, 0, 0] = True
            (models / "model_normalized.solid.binvox").write_bytes(export_binvox(trimesh.voxel.VoxelGrid(solid)))
            (models / "model_normalized.surface.binvox").write_bytes(export_binvox(trimesh.voxel.VoxelGrid(surface)))
    return folder


def test_shapenet_is_read_from_the_users_folder(shapes: Path) -> None:
    before = sorted(shapes.rglob("*"))
    fetch("shapenet", source=shapes)
    assert sorted(shapes.rglob("*")) == before
    data = load("shapenet", units="binary", validation=0.0)
    assert data.classes == ("chair", "99999999") and "not to be passed on" in data.licence
    expected: dict[bool, list[int]] = {True: [], False: []}
    for synset, odd in ((0, True), (1, False)):
        for i in sorted((i for i in range(30) if bool(i % 2) == odd), key=lambda i: f"model{i}"):
            expected[_in_test(f"model{i}")].append(1000 * synset + i)
    box = mesh_grid(off(BOX), "off", "box")
    for split, models in ((data.train, expected[False]), (data.test, expected[True])):
        batch = split.batch(slice(None))
        assert batch["y"].tolist() == [model // 1000 for model in models]
        for model, grid in zip(models, batch["x"][:, 0].numpy(), strict=True):
            i = model % 1000
            slab = np.zeros((32, 32, 32), np.float32)
            slab[i % 8 : i % 8 + 5] = 1.0
            assert np.array_equal(grid, slab if i % 3 == 0 else box.astype(np.float32))


def test_the_command_line_takes_a_folder(
    shapes: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gibbsweep", "data", "fetch", "shapenet", "--from", str(shapes)])
    main()
    assert f"{root / 'shapenet' / 'test.parquet'}" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["gibbsweep", "data", "info", "shapenet[0]@16"])
    main()
    said = capsys.readouterr().out
    assert "occupied" in said and "shapenet[0]@16" in said and "1, 16, 16, 16" in said


def test_shapenet_names_of_a_taxonomy(shapes: Path) -> None:
    (shapes / "taxonomy.json").write_text('[{"synsetId": "99999999", "name": "thing,object"}]')
    fetch("shapenet", source=shapes)
    assert load("shapenet").classes == ("chair", "thing")


def test_a_folder_that_is_no_shapenet(tmp_path: Path, root: Path) -> None:
    with pytest.raises(UserError, match="gives 0 models SYNSET/MODEL/"):
        fetch("shapenet", source=tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        fetch("shapenet", source=tmp_path / "nowhere")
    (tmp_path / "03001627" / "model3").mkdir(parents=True)
    (tmp_path / "03001627" / "model12").mkdir(parents=True)
    with pytest.raises(UserError, match="holds neither a binvox nor an OBJ file|none of them for the"):
        fetch("shapenet", source=tmp_path)
    assert not (root / "shapenet" / "train.parquet").exists()
