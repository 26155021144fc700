"""One known_hosts file, line by line and as a whole."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess

import pytest

from netaudit.errors import Where
from netaudit.transport.hostkeys_record import known_hosts_line
from netaudit.transport.known_hosts import Marker, blob_type, host_name, parse_line, read_known_hosts

HERE = Where("known_hosts", 1)


def key(number: int, kind: str = "ssh-ed25519") -> bytes:
    """A key in wire format that nobody has."""
    body = hashlib.sha256(f"{kind}{number}".encode()).digest()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), body))


def line(hosts: str, number: int = 0, kind: str = "ssh-ed25519", marker: str = "") -> str:
    """A line of known_hosts."""
    return f"{marker} {hosts} {kind} {base64.b64encode(key(number, kind)).decode()} a comment\n".lstrip()


@pytest.fixture
def read(tmp_path):
    """Writes a file and reads it: the file, and what was told about it."""

    def from_text(text: str | bytes):
        path = tmp_path / "known_hosts"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        notices: list[str] = []
        return read_known_hosts(path, notices.append), notices

    return from_text


class TestLines:
    """What one line says."""

    @pytest.mark.parametrize("text", ["", "   ", "# comment", "  # indented comment"])
    def test_nothing(self, text):
        """Blank lines and comments."""
        assert parse_line(text.encode(), HERE) is None

    def test_markers(self):
        """Both markers, and none."""
        found = [
            parse_line(line("h", marker=mark).encode(), HERE).marker for mark in ("", "@cert-authority", "@revoked")
        ]
        assert found == [Marker.HOST_KEY, Marker.AUTHORITY, Marker.REVOKED]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("@bogus h ssh-rsa AAAA", "marker"),
            ("justonehost", "were expected"),
            ("h ssh-ed25519", "were expected"),
            ("h ssh-ed25519 not*base64", "base64"),
            ("h ssh-ed25519 AAAA", "base64 of a public key"),
            (line("h").replace("ssh-ed25519", "ssh-rsa"), "is of type ssh-ed25519 and not ssh-rsa"),
            (line("|1|onlysalt"), "|1|salt|hash"),
            (line("|2|c2FsdA==|aGFzaA=="), "|1|salt|hash"),
            (line("|1|s*lt|aGFzaA=="), "base64"),
            ("h 1024 65537 123456789", "protocol 1"),
        ],
    )
    def test_what_is_wrong_is_said(self, text, reason):
        """Each fault by its name."""
        with pytest.raises(ValueError, match=reason.replace("|", r"\|")):
            parse_line(text.encode(), HERE)

    @pytest.mark.parametrize(
        ("hosts", "name", "covered"),
        [
            ("web1", "web1", True),
            ("WEB1,10.0.0.1", "web1", True),
            ("web1", "web11", False),
            ("*.example.com", "a.b.example.com", True),
            ("*.example.com", "example.com", False),
            ("web?", "web1", True),
            ("*.example.com,!bad.example.com", "bad.example.com", False),
            ("!bad.example.com,*.example.com", "good.example.com", True),
            ("!bad.example.com", "good.example.com", False),
            ("[web1]:2222", "[web1]:2222", True),
            ("[web1]:2222", "web1", False),
            ("[*]:2222", "[web1]:2222", True),
            ("[ab]", "a", False),
        ],
    )
    def test_whom_it_covers(self, hosts, name, covered):
        """Patterns, negation, ports; brackets are only brackets."""
        assert parse_line(line(hosts).encode(), HERE).covers(name) is covered


@pytest.mark.parametrize("blob", [b"", b"\0\0\0\0", b"\0\0\0\xffabc", b"\xff\xff\xff\xff" + b"x" * 100])
def test_a_blob_that_is_no_key(blob):
    """A length that cannot be is a ValueError, whatever follows."""
    with pytest.raises(ValueError, match="not a public key"):
        blob_type(blob)


def test_names_carry_other_ports():
    """Port 22 is not mentioned."""
    assert [host_name("Web1", 22), host_name("Web1", 2222)] == ["web1", "[web1]:2222"]


class TestFiles:
    """What a file says."""

    def test_a_host_has_the_keys_of_all_its_lines(self, read):
        """Plain names, patterns and several types."""
        known, _ = read(line("web1,web2", 1) + line("web*", 2) + line("web1", 3, "ssh-rsa") + line("db1", 4))
        assert {entry.key for entry in known.stored("web1")} == {key(1), key(2), key(3, "ssh-rsa")}
        assert [known.holds("web1", key(number)) for number in (1, 2, 4)] == [True, True, False]
        assert known.holds("web2", key(1))
        assert not known.holds("db1", key(1))

    @pytest.mark.parametrize("hosts", ["web1,!web1", "!web1,web1", "web*,!web1"])
    def test_a_name_that_a_line_excludes_is_not_stored_by_it(self, read, hosts):
        """Where names stand beside it as well as where patterns do."""
        known, _ = read(line(hosts, 1))
        assert not known.holds("web1", key(1))
        assert known.stored("web1") == []

    def test_what_is_beyond_the_limit_is_told(self, read, monkeypatch):
        """Of a file that is too large the beginning counts, and a line says so."""
        monkeypatch.setattr("netaudit.transport.known_hosts._MAX_FILE_BYTES", len(line("web1", 1)))
        known, notices = read(line("web1", 1) + line("web2", 2))
        assert [known.holds("web1", key(1)), known.holds("web2", key(2))] == [True, False]
        assert ["larger than" in notice for notice in notices] == [True]

    def test_marked_lines_are_no_host_keys(self, read):
        """They are found under their marker only."""
        known, _ = read(line("*", 1, marker="@cert-authority") + line("*", 2, marker="@revoked"))
        assert known.stored("web1") == []
        assert [entry.key for entry in known.marked("web1", Marker.AUTHORITY)] == [key(1)]
        assert [entry.key for entry in known.marked("web1", Marker.REVOKED)] == [key(2)]

    def test_bad_lines_are_told_and_skipped(self, read):
        """With file and line; one that is not UTF-8 too; the others count."""
        known, notices = read(b"@bogus x\nh\xff " + line("x").split(" ", 1)[1].encode() + line("web1").encode())
        assert known.holds("web1", key(0))
        assert [notice.split(":")[1] for notice in notices] == ["1", "2"]
        assert all("skipped" in notice for notice in notices)

    def test_no_file_is_an_empty_one(self, tmp_path):
        """Without a word."""
        notices: list[str] = []
        for path in (tmp_path / "none", tmp_path / "none" / "none"):
            assert read_known_hosts(path, notices.append).entries == []
        assert notices == []

    def test_a_file_that_cannot_be_read_is_told(self, tmp_path):
        """A folder, for instance."""
        notices: list[str] = []
        assert read_known_hosts(tmp_path, notices.append).entries == []
        assert "do not count" in notices[0]

    def test_windows_line_ends_do_no_harm(self, read):
        """A file that was edited elsewhere."""
        assert read(line("web1").replace("\n", "\r\n"))[0].holds("web1", key(0))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
class TestHashed:
    """Lines whose host is hashed."""

    @pytest.fixture
    def hashed(self, tmp_path):
        """Three hosts, hashed by ssh-keygen."""
        path = tmp_path / "known_hosts"
        text = line("web1", 1) + line("web2", 2) + line("[web1]:2222", 3)
        path.write_text(text)
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, stderr=subprocess.DEVNULL)
        assert "web1" not in path.read_text()
        return read_known_hosts(path, pytest.fail)

    def test_they_are_understood(self, hashed):
        """As ssh-keygen has written them."""
        assert hashed.hashed_count == 3
        assert hashed.holds("web1", key(1))
        assert not hashed.holds("web1", key(2))
        assert [entry.key for entry in hashed.stored("[web1]:2222")] == [key(3)]

    def test_they_are_left_out_when_asked(self, hashed):
        """A full look-up is dear."""
        assert hashed.stored("web1", hashed=False) == []

    def test_a_key_is_asked_for_before_a_host(self, hashed, monkeypatch):
        """A question by key costs a hash only where the key is equal: the price does not grow with the file."""
        import hmac

        asked = []
        real = hmac.digest
        monkeypatch.setattr("hmac.digest", lambda *arguments: asked.append(1) or real(*arguments))
        assert hashed.holds("web1", key(1))
        assert not hashed.holds("web1", key(9))
        assert len(asked) == 1


def test_a_written_line_is_read_back():
    """What we write is what we read."""
    entry = parse_line(known_hosts_line("[web1]:2222", key(5)), HERE)
    assert (entry.hosts, entry.key, entry.key_type) == ("[web1]:2222", key(5), "ssh-ed25519")
