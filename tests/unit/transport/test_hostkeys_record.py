"""Writing to known_hosts, by several at once too."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from netaudit.transport.hostkeys_record import append_keys, known_hosts_line, remove_host
from netaudit.transport.known_hosts import read_known_hosts


def key(number: int, kind: str = "ssh-ed25519") -> bytes:
    """A key in wire format that nobody has."""
    body = hashlib.sha256(f"{kind}{number}".encode()).digest()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), body))


@pytest.fixture
def path(tmp_path) -> Path:
    """A file that is not there, in a folder that is not there."""
    return tmp_path / "dot ssh" / "known_hosts"


def test_file_and_folder_are_private(path):
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        append_keys(path, "web1", [key(1)])
    finally:
        os.umask(before)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_is_there_stays(path):
    """Comments, a last line without its end, and the mode of the file."""
    path.parent.mkdir()
    path.write_bytes(b"# mine\n" + known_hosts_line("db1", key(9)).rstrip())
    path.chmod(0o644)
    known = append_keys(path, "web1", [key(1), key(2, "ssh-rsa")])
    assert path.read_bytes() == (
        b"# mine\n"
        + known_hosts_line("db1", key(9))
        + known_hosts_line("web1", key(1))
        + known_hosts_line("web1", key(2, "ssh-rsa"))
    )
    assert path.stat().st_mode & 0o777 == 0o644
    assert known.holds("web1", key(1))
    assert known.holds("db1", key(9))


def test_nothing_is_added_twice(path):
    """The same key, and another of the same type."""
    append_keys(path, "web1", [key(1)])
    known = append_keys(path, "web1", [key(1), key(2)])
    assert path.read_bytes() == known_hosts_line("web1", key(1))
    assert not known.holds("web1", key(2))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_names_are_hashed_where_the_file_has_them_hashed(path):
    """ssh-keygen finds the host in what was written."""
    append_keys(path, "web1", [key(1)], hash_names=True)
    append_keys(path, "web2", [key(2)])
    assert path.read_text().count("|1|") == 2
    found = subprocess.run(["ssh-keygen", "-F", "web2", "-f", path], capture_output=True, text=True)
    assert found.returncode == 0


def test_an_index_that_is_current_is_not_read_again(path, monkeypatch):
    """One that is not is."""
    known = append_keys(path, "web1", [key(1)])
    monkeypatch.setattr("netaudit.transport.hostkeys_record.read_known_hosts", pytest.fail)
    assert append_keys(path, "web2", [key(2)], known=known) is known
    assert known.holds("web2", key(2))
    assert known.entries[1].where.line == 2
    monkeypatch.undo()
    with path.open("ab") as file:
        file.write(known_hosts_line("web3", key(3)))
    assert append_keys(path, "web4", [key(4)], known=known) is not known


def test_an_index_that_was_read_is_current_until_others_write(path, monkeypatch):
    """The file is not read a second time for the first key that is recorded."""
    path.parent.mkdir()
    path.write_bytes(known_hosts_line("web1", key(1)))
    known = read_known_hosts(path, pytest.fail)
    monkeypatch.setattr("netaudit.transport.hostkeys_record.read_known_hosts", pytest.fail)
    assert append_keys(path, "web2", [key(2)], known=known) is known


def _record(path: Path, writer: int) -> None:
    """A hundred hosts of one writer."""
    for number in range(100):
        append_keys(path, f"web{writer}-{number}", [key(writer * 1000 + number)])


def test_writers_at_once_tear_no_line(path):
    """Four processes, a hundred lines each: all are there and all are whole."""
    _in_processes(*[(_record, path, number) for number in range(4)])
    known = read_known_hosts(path, pytest.fail)
    assert len(known.entries) == 400
    assert all(
        known.holds(f"web{writer}-{number}", key(writer * 1000 + number))
        for writer in range(4)
        for number in range(100)
    )


def _in_processes(*works) -> None:
    """Run some functions at once, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=arguments) for work, *arguments in works]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def _record_same(path: Path) -> None:
    for number in range(60):
        append_keys(path, f"web{number}", [key(number)])


def test_writers_at_once_record_a_host_once(path):
    """Looking and writing are one step under the lock."""
    _in_processes(*[(_record_same, path)] * 4)
    assert len(path.read_bytes().splitlines()) == 60


def _remove(path: Path) -> None:
    for number in range(60):
        append_keys(path, f"gone{number}", [key(number)])
        remove_host(path, f"gone{number}")


def test_a_writer_follows_a_file_that_was_replaced(path):
    """Nothing is written to the old file while another takes lines out into a new one."""
    _in_processes((_remove, path), (_remove, path.with_name("known_hosts")), (_record, path, 1), (_record, path, 2))
    known = read_known_hosts(path, pytest.fail)
    found = {entry.hosts for entry in known.entries}
    assert {f"web{writer}-{number}" for writer in (1, 2) for number in range(100)} <= found


class TestRemoving:
    """Taking a host out."""

    def test_only_its_own_lines_go(self, path):
        """Patterns, marked lines, other hosts and comments stay byte by byte."""
        path.parent.mkdir()
        stay = (
            b"# mine\n"
            + known_hosts_line("web*", key(2))
            + b"@revoked "
            + known_hosts_line("web1", key(3))
            + b"bad line\n"
        )
        path.write_bytes(known_hosts_line("web1", key(1)) + stay + known_hosts_line("web1", key(4, "ssh-rsa")))
        path.chmod(0o640)
        assert remove_host(path, "web1") == 2
        assert path.read_bytes() == stay
        assert path.stat().st_mode & 0o777 == 0o640
        assert list(path.parent.iterdir()) == [path]

    def test_hashed_lines_go_too(self, path):
        """Found by their hash."""
        append_keys(path, "web1", [key(1)], hash_names=True)
        append_keys(path, "web2", [key(2)])
        assert remove_host(path, "web1") == 1
        assert read_known_hosts(path, pytest.fail).holds("web2", key(2))

    def test_a_link_stays_a_link(self, path, tmp_path):
        """Whoever keeps the file elsewhere keeps it there."""
        real = tmp_path / "real"
        real.write_bytes(known_hosts_line("web1", key(1)))
        path.parent.mkdir()
        path.symlink_to(real)
        assert remove_host(path, "web1") == 1
        assert path.is_symlink()
        assert real.read_bytes() == b""


def test_a_full_disk_leaves_whole_lines(path, monkeypatch):
    """What was written of a line that did not fit is taken back."""
    append_keys(path, "web1", [key(1)])
    real = os.write
    monkeypatch.setattr("os.write", lambda file, data: real(file, data[:10]))
    with pytest.raises(OSError, match="No space"):
        append_keys(path, "web2", [key(2)])
    assert path.read_bytes() == known_hosts_line("web1", key(1))
