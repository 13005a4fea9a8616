import dataclasses
import functools
import hashlib
import http.server
import io
import os
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pooch
import pytest

from ablate.config.data import DownloadedData
from ablate.data import fetch, load
from ablate.data.folders import find
from ablate.data.sources import SOURCES, File, Source
from ablate.errors import ConfigError, DataError


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """Serve a folder: its path and its address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def put(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name, raw in contents.items():
        (folder / name).write_bytes(raw)


def with_mirrors(monkeypatch: pytest.MonkeyPatch, source: Source, *mirrors: str) -> Source:
    source = dataclasses.replace(source, mirrors=mirrors)
    monkeypatch.setitem(SOURCES, source.name, source)
    return source


def test_mirrors_are_tried_in_order_and_verified(
    tiny: Source,
    tiny_contents: dict[str, bytes],
    site: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = site
    put(folder / "tampered", {name: raw + b" " for name, raw in tiny_contents.items()})
    put(folder / "good", tiny_contents)
    mirrors = [address + name for name in ("absent/", "tampered/", "good/")]
    source = with_mirrors(monkeypatch, tiny, *mirrors)
    fetch(["mnist", "digits", "synthetic"], tmp_path)
    found = find(source, tmp_path)
    assert found == tmp_path / "data" / "mnist"
    assert {path.name: path.read_bytes() for path in found.iterdir()} == tiny_contents


def test_a_missing_set_is_fetched_when_it_is_loaded(
    tiny: Source,
    tiny_contents: dict[str, bytes],
    site: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(site[0], tiny_contents)
    with_mirrors(monkeypatch, tiny, site[1])
    data = load(DownloadedData(name="mnist"), tmp_path)
    assert data.train[0].shape == (12, 1, 4, 5)


def test_a_damaged_file_is_fetched_again_and_sound_ones_are_left_alone(
    tiny: Source,
    tiny_root: Path,
    tiny_contents: dict[str, bytes],
    site: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = tiny.test[1].name
    put(site[0], {name: tiny_contents[name]})  # no other file can be had
    with_mirrors(monkeypatch, tiny, site[1])
    damaged = tiny_root / "data" / "mnist" / name
    damaged.write_bytes(b"half")
    fetch(["mnist"], tiny_root)
    assert damaged.read_bytes() == tiny_contents[name]


def test_no_mirror_has_it(
    tiny: Source, site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = site
    put(folder / "tampered", {tiny.files[0].name: b"tampered"})
    # Port 9 of this machine answers nobody.
    mirrors = (address, f"{address}tampered/", "http://127.0.0.1:9/")
    with_mirrors(monkeypatch, tiny, *mirrors)
    monkeypatch.setenv("ABLATE_DATA_DIR", str(tmp_path / "mine"))
    expected = (
        f"data set mnist is not in {tmp_path}/mine/mnist or {tmp_path}/data/mnist and cannot be "
        f"fetched ({mirrors[0]}: HTTP status 404; {mirrors[1]}: another file than the published "
        f"one; {mirrors[2]}: no connection); run 'ablate data mnist' or set ABLATE_DATA_DIR to a "
        "folder that holds mnist/train-images.gz"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        fetch(["mnist"], tmp_path)


def test_an_unknown_name_starts_nothing(tiny: Source, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no data set 'mnits'; allowed .* Did you mean 'mnist'"):
        fetch(["mnist", "mnits"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_write(tiny: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DataError, match="and none of these folders can be written to; run 'abl"):
        fetch(["mnist"], tmp_path)


def test_a_folder_that_turns_out_read_only(
    tiny: Source, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retrieve(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tiny_root / "data" / "mnist" / tiny.files[0].name).write_bytes(b"half")
    with_mirrors(monkeypatch, tiny, "http://127.0.0.1:9/")
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match=r"cannot be written to .*/data/mnist: Permission denied"):
        fetch(["mnist"], tiny_root)


CONTENTS = {"batches/data_1": b"first", "batches/test": b"second"}


def archive(**members: bytes | tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def archived(monkeypatch: pytest.MonkeyPatch, site: tuple[Path, str], raw: bytes) -> None:
    """Publish `raw` as the archive of `cifar10`, which holds CONTENTS."""

    def file(name: str, content: bytes) -> File:
        return File(name, f"md5:{hashlib.md5(content).hexdigest()}", len(content))

    put(site[0], {"set.tar.gz": raw})
    train, test = (file(name, content) for name, content in CONTENTS.items())
    source = dataclasses.replace(
        SOURCES["cifar10"],
        train=(train,),
        test=(test,),
        others=(),
        mirrors=(site[1],),
        archive=file("set.tar.gz", raw),
    )
    monkeypatch.setitem(SOURCES, "cifar10", source)
    monkeypatch.delenv("ABLATE_DATA_DIR", raising=False)


def test_only_the_named_members_are_extracted(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = archive(**{"../outside": b"no", "batches/readme": b"no", **CONTENTS})
    archived(monkeypatch, site, raw)
    fetch(["cifar10"], tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and site[0] not in path.parents]
    found = {
        str(path.relative_to(tmp_path / "data" / "cifar10")): path.read_bytes() for path in files
    }
    assert found == CONTENTS


def link() -> tarfile.TarInfo:
    info = tarfile.TarInfo("batches/test")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            archive(**{"batches/test": b"second"}),
            "set.tar.gz has no member batches/data_1",
            id="missing_member",
        ),
        pytest.param(
            archive(**{**CONTENTS, "batches/test": link()}),
            "set.tar.gz has no member batches/test",
            id="link_instead_of_member",
        ),
        pytest.param(
            archive(**{**CONTENTS, "batches/test": b"tamper"}),
            "batches/test in",
            id="other_member",
        ),
        pytest.param(b"no archive", "is not a sound tar archive", id="no_archive"),
        pytest.param(archive(**CONTENTS)[:-30], "is not a sound tar archive", id="truncated"),
    ],
)
def test_a_bad_archive(
    site: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raw: bytes,
    message: str,
) -> None:
    archived(monkeypatch, site, raw)
    with pytest.raises(DataError, match=re.escape(message)):
        fetch(["cifar10"], tmp_path)
