"""A directory of captures holds what a run has collected, and nothing in it is believed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import ErrorKind, OperatorError, Phase, UsageError, WorldError
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.transport import capture_dir
from netaudit.transport.capture_dir import MANIFEST, CaptureDirWriter, file_name, read_capture_dir
from netaudit.wire.codec import dump_capture

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
RUN = RunInfo("20261120-1", "collect", NOW, "1.0", pattern="web*", bundle_digest="ab" * 32, notes=("one",))
HOSTILE = ["../../etc/passwd", "a/b", "\x00", "..", "", "-rf", "ä\u202e", "x" * 300, "a\nb", "nul.capture", "web1"]


def capture(host: str, text: bytes = b"x") -> Capture:
    """A capture of one section."""
    return Capture(host, "192.0.2.1", "", NOW, 0.1, (Section("a", SectionStatus.COMPLETE, 0, text, b"", 0),))


def written(folder: Path, *names: str, done: bool = True) -> Path:
    """A directory with a capture for each name."""
    targets = [Target(name, "192.0.2.1", groups=("web",)) for name in names]
    writer = CaptureDirWriter(folder, targets)
    writer.started(RUN, names)
    for position, name in reversed(list(enumerate(names))):
        writer.host_started(name)
        writer.host_done(position, HostReport(name, "", HostStatus.OK, None, 0.1), capture(name))
    if done:
        writer.finished(RUN, Summary(), ())
    return folder


def test_what_was_written_is_read(tmp_path):
    """Hosts in inventory order, their groups, the run, and each capture."""
    found = read_capture_dir(written(tmp_path / "new" / "dir", "web2", "web1"))
    assert found.run == RUN
    assert [target.name for target in found.targets()] == ["web2", "web1"]
    assert found.targets()[0].groups == ("web",)
    assert found.capture("web1") == capture("web1")
    assert [one.host for one in found] == ["web2", "web1"]


def test_of_an_interrupted_run_the_finished_hosts_are_there(tmp_path):
    """The manifest is written first; a host without a file says so."""
    writer = CaptureDirWriter(tmp_path, [Target("a", "a"), Target("b", "b")])
    writer.started(RUN, ["a", "b"])
    writer.host_done(1, HostReport("b", "", HostStatus.OK, None, 0.1), capture("b"))
    writer.host_done(0, HostReport("a", "", HostStatus.UNREACHABLE, None, 0.1), None)
    found = read_capture_dir(tmp_path)
    assert found.capture("b").host == "b"
    with pytest.raises(WorldError, match="ended before this host") as caught:
        found.capture("a")
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.BAD_ANSWER, Phase.ANSWER)  # an error, not unreachable


def test_names_of_hosts_do_not_name_files(tmp_path):
    """Every file is in the directory, with a harmless name, whatever a host is called."""
    found = read_capture_dir(written(tmp_path / "dir", *HOSTILE))
    files = list((tmp_path / "dir").iterdir())
    assert len(files) == len(HOSTILE) + 1
    assert list(tmp_path.iterdir()) == [tmp_path / "dir"]
    for name in HOSTILE:
        assert found.capture(name).host == name


@given(st.integers(0, 10**6), st.text(max_size=400))
def test_a_file_name_is_one_component_of_bounded_length(position, name):
    """Of letters that every file system and every shell takes."""
    made = file_name(position, name)
    assert capture_dir._FILE.fullmatch(made)
    assert "/" not in made
    assert len(made) < 100


def test_files_are_for_their_owner_alone(tmp_path):
    """Also under a lax umask."""
    before = os.umask(0)
    try:
        folder = written(tmp_path / "dir", "web1")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_only_our_variables_are_kept(tmp_path):
    """Others may be secrets."""
    target = Target("a", "a", vars={"netaudit_vars": {"x": 1}, "ansible_password": "secret"})
    CaptureDirWriter(tmp_path, [target]).started(RUN, ["a"])
    assert "secret" not in (tmp_path / MANIFEST).read_text()
    assert read_capture_dir(tmp_path).targets()[0].vars == {"netaudit_vars": {"x": 1}}


def test_a_directory_that_holds_something_is_left_alone(tmp_path):
    """Captures of two runs are never mixed."""
    (tmp_path / "precious").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        written(tmp_path, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_link_is_not_followed(tmp_path):
    """A link that is put in the place of a file is replaced; what it points to stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    writer = CaptureDirWriter(tmp_path / "dir", [Target("a", "a")])
    writer.started(RUN, ["a"])
    (tmp_path / "dir" / file_name(0, "a")).symlink_to(victim)
    writer.host_done(0, HostReport("a", "", HostStatus.OK, None, 0.1), capture("a"))
    assert victim.read_text() == "precious"
    assert read_capture_dir(tmp_path / "dir").capture("a").host == "a"


def test_a_link_in_the_way_of_a_new_file_is_not_followed(tmp_path):
    """Nothing is written then, here or there."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    writer = CaptureDirWriter(tmp_path / "dir", [Target("a", "a")])
    writer.started(RUN, ["a"])
    (tmp_path / "dir" / f".{file_name(0, 'a')}.new").symlink_to(victim)
    with pytest.raises(OperatorError, match="cannot write captures"):
        writer.host_done(0, HostReport("a", "", HostStatus.OK, None, 0.1), capture("a"))
    assert victim.read_text() == "precious"


def test_a_disk_that_is_full_is_an_error_of_the_operator(tmp_path, monkeypatch):
    """With the place, and without a half-written file."""
    writer = CaptureDirWriter(tmp_path / "dir", [Target("a", "a")])
    writer.started(RUN, ["a"])

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OperatorError, match="No space left on device"):
        writer.host_done(0, HostReport("a", "", HostStatus.OK, None, 0.1), capture("a"))
    assert [path.name for path in (tmp_path / "dir").iterdir()] == [MANIFEST]


def test_a_place_that_cannot_be_a_directory(tmp_path):
    """A file stands there."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot write captures"):
        written(tmp_path / "file", "a")


def test_a_directory_without_captures_is_told(tmp_path):
    """With the way to make one."""
    with pytest.raises(UsageError, match=r"no manifest\.json in it .*collect -o DIR"):
        read_capture_dir(tmp_path)
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(OperatorError, match="cannot read captures"):
        read_capture_dir(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema="netaudit.captures/9"), "another version"),
        (lambda m: m.pop("schema"), "damaged"),
        (lambda m: m.pop("run"), "damaged"),
        (lambda m: m["run"].update(started="2026-11-20T15:00:00"), "without zone"),
        (lambda m: m["run"].update(id=5), "not text"),
        (lambda m: m["hosts"][0].update(file="../../etc/shadow"), "no name of a capture"),
        (lambda m: m["hosts"][0].update(file="/etc/shadow"), "no name of a capture"),
        (lambda m: m["hosts"][0].update(name=None), "not text"),
        (lambda m: m["hosts"].append(m["hosts"][0]), "twice"),
        (lambda m: m.update(hosts=5), "damaged"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(tmp_path, change, words):
    """A directory may come from anywhere; nothing outside of it is ever opened."""
    folder = written(tmp_path / "dir", "a")
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(OperatorError, match=words):
        read_capture_dir(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "5", "[" * 100_000, '{"schema": []}'])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    """Neither a traceback nor a loop."""
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(OperatorError):
        read_capture_dir(tmp_path)


def test_a_capture_that_is_damaged_or_another_s_is_refused(tmp_path):
    """The host gets an error; the others are read."""
    folder = written(tmp_path / "dir", "a", "b")
    found = read_capture_dir(folder)
    (folder / file_name(0, "a")).write_bytes(dump_capture(capture("b")))
    with pytest.raises(WorldError, match="another host"):
        found.capture("a")
    (folder / file_name(0, "a")).write_bytes(b"rubbish")
    with pytest.raises(WorldError, match="not a capture"):
        found.capture("a")
    assert found.capture("b").host == "b"
    with pytest.raises(WorldError, match="has no host"):
        found.capture("c")


def test_a_file_that_comes_in_pieces_is_read_whole(tmp_path, monkeypatch):
    """A read may give less than was asked for, as on a network file system."""
    found = read_capture_dir(written(tmp_path, "web1"))
    read = os.read
    monkeypatch.setattr(capture_dir.os, "read", lambda descriptor, size: read(descriptor, min(size, 7)))
    assert found.capture("web1") == capture("web1")


def test_no_more_is_read_than_shows_that_a_file_is_too_large(tmp_path, monkeypatch):
    """Whoever wrote the directory does not decide how much memory reading it takes."""
    found = read_capture_dir(written(tmp_path, "web1"))
    asked = []
    read = os.read
    monkeypatch.setattr(capture_dir, "MAX_DUMP_BYTES", 50)
    monkeypatch.setattr(capture_dir.os, "read", lambda descriptor, size: asked.append(size) or read(descriptor, size))
    with pytest.raises(WorldError):
        found.capture("web1")
    assert max(asked) == 51
