"""Whether the host is the one it claims to be, against real OpenSSH servers."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.transport.hostkeys import fingerprint
from netaudit.transport.known_hosts import parse_line
from netaudit.transport.options import HostKeyChecking


def shown(key) -> str:
    """The fingerprint as ssh-keygen prints it."""
    words = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], check=True, capture_output=True, text=True).stdout
    return words.split()[1]


def test_an_unknown_key_is_refused_with_its_fingerprint(sshd, client, keys):
    """Strict is the default: nobody is trusted unseen."""
    outcome = client.to(sshd(), trust=False).ask()
    assert outcome.kind is ErrorKind.HOST_KEY_UNKNOWN
    assert outcome.error.phase is Phase.KEY_EXCHANGE
    assert shown(keys.host) in outcome.error.message
    assert "netaudit trust web1" in outcome.error.hint


def test_a_changed_key_is_refused_with_both_fingerprints(sshd, client, keys):
    """The stored key is named with file and line, and how to take it out."""
    server = sshd()
    known_hosts = client.options.user_known_hosts[0]
    known_hosts.write_text("# a comment\n" + server.known(keys.other))
    outcome = client.to(server, trust=False).ask()
    assert outcome.kind is ErrorKind.HOST_KEY_MISMATCH
    assert shown(keys.host) in outcome.error.message
    assert shown(keys.other) in outcome.error.message
    assert f"{known_hosts}:2" in outcome.error.message
    assert "ssh-keygen" in outcome.error.hint


def test_a_hashed_entry_counts(sshd, client):
    """A known_hosts file hashed by ssh-keygen -H is understood."""
    client.to(sshd())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", client.options.user_known_hosts[0]], check=True, stderr=-3)
    assert client.options.user_known_hosts[0].read_text().startswith("|1|")
    assert client.ask().kind is None


def test_a_stored_type_is_asked_for_first(sshd, client, keys):
    """A server with several keys is known by its rsa key alone: it is not taken for changed."""
    server = sshd(host_keys=[keys.host, keys.host_ecdsa, keys.host_rsa])
    client.options.user_known_hosts[0].write_text(server.known(keys.host_rsa))
    assert client.to(server, trust=False).ask().kind is None


def test_a_stored_type_in_hashed_lines_is_found_by_a_second_try(sshd, client, keys, monkeypatch):
    """Where hashed lines are too many to look through beforehand, the host is asked once more for what is stored."""
    monkeypatch.setattr("netaudit.transport.hostkeys._HASHED_LINES_SCANNED", 0)
    server = sshd(host_keys=[keys.host, keys.host_rsa])
    known_hosts = client.options.user_known_hosts[0]
    known_hosts.write_text(server.known(keys.host_rsa))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known_hosts], check=True, stderr=-3)
    assert client.to(server, trust=False).ask().kind is None


def test_an_entry_without_port_counts_as_with_ssh(sshd, client, keys):
    """ssh(1) looks a host on another port up without the port too; a key that differs there makes it unknown."""
    server = sshd()
    known_hosts = client.options.user_known_hosts[0]
    known_hosts.write_text(f"127.0.0.1 {keys.host.with_name('host.pub').read_text()}")
    assert client.to(server, trust=False).ask().kind is None
    known_hosts.write_text(f"127.0.0.1 {keys.other.with_name('other.pub').read_text()}")
    assert client.ask().kind is ErrorKind.HOST_KEY_UNKNOWN


def test_a_revoked_key_is_refused_even_when_stored(sshd, client, keys, kit):
    """@revoked beats everything."""
    server = sshd()
    client.to(server)
    with client.options.user_known_hosts[0].open("a") as file:
        file.write(f"@revoked * {kit.public(keys.host)}\n")
    outcome = client.ask()
    assert outcome.kind is ErrorKind.HOST_KEY_MISMATCH
    assert "revoked" in outcome.error.message


def test_a_bad_line_is_told_and_the_others_count(sshd, client):
    """One line nobody can read costs a notice with file and line, not the fleet."""
    known_hosts = client.options.user_known_hosts[0]
    known_hosts.write_bytes(b"@bogus host ssh-ed25519 AAAA\nhost \xff\xfe ssh-rsa\n|1|x ssh-ed25519 AAAA\n")
    assert client.to(sshd()).ask().kind is None
    assert [notice.split(": ")[0] for notice in client.notices] == [f"{known_hosts}:{line}" for line in (1, 2, 3)]


class TestAcceptNew:
    """``--host-key-checking accept-new``."""

    def test_a_new_key_is_recorded_and_then_known(self, sshd, client, keys):
        """The second run is strict and passes; the file is private."""
        known_hosts = client.options.user_known_hosts[0].with_name("made") / "known_hosts"
        client.to(sshd(), trust=False).using(
            user_known_hosts=(known_hosts,), host_key_checking=HostKeyChecking.ACCEPT_NEW
        )
        assert client.ask().kind is None
        assert shown(keys.host) in client.notices[0]
        assert known_hosts.stat().st_mode & 0o777 == 0o600
        assert client.using(host_key_checking=HostKeyChecking.STRICT).ask().kind is None
        assert parse_line(known_hosts.read_bytes(), None) is not None

    def test_a_changed_key_is_still_refused(self, sshd, client, keys):
        """Only what is unknown is accepted."""
        server = sshd()
        client.options.user_known_hosts[0].write_text(server.known(keys.other))
        client.to(server, trust=False).using(host_key_checking=HostKeyChecking.ACCEPT_NEW)
        assert client.ask().kind is ErrorKind.HOST_KEY_MISMATCH

    def test_a_host_seen_three_times_at_once_is_recorded_once(self, sshd, client):
        """Names that mean one address do not leave a line each."""
        client.to(sshd(), trust=False).using(host_key_checking=HostKeyChecking.ACCEPT_NEW)
        targets = [replace(client.target, name=f"web{number}") for number in range(3)]
        assert {outcome.kind for outcome in client.ask_all(targets)} == {None}
        lines = client.options.user_known_hosts[0].read_bytes().splitlines()
        assert len(lines) == 1

    def test_a_file_that_cannot_be_written_costs_a_notice(self, sshd, client, tmp_path):
        """As with ssh(1) the host is reached, and the key asked for again the next time."""
        folder = tmp_path / "file-not-folder"
        folder.write_text("")
        client.to(sshd(), trust=False).using(
            user_known_hosts=(folder / "known_hosts",), host_key_checking=HostKeyChecking.ACCEPT_NEW
        )
        assert client.ask().kind is None
        assert any("not recorded" in notice for notice in client.notices)


def test_off_accepts_and_is_noted(sshd, client, keys):
    """Even a changed key passes, and the run says so."""
    server = sshd()
    client.options.user_known_hosts[0].write_text(server.known(keys.other))
    client.to(server, trust=False).using(host_key_checking=HostKeyChecking.OFF)
    assert client.ask().kind is None
    assert "not checked" in client.notices[0]


def certified(keys, tmp_path, name: str, *options: str):
    """A host key with a certificate of the test authority; OpenSSH finds it by HostCertificate."""
    key = tmp_path / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-h", "-s", keys.authority, "-I", "t", *options, f"{key}.pub"], check=True, stderr=-3
    )
    return key


class TestAuthorities:
    """Hosts that show a certificate."""

    def trusting(self, client, server, keys, kit, key=None):
        """The client with a line for an authority and nothing else."""
        line = f"@cert-authority [127.0.0.1]:{server.port} {kit.public(key or keys.authority)}\n"
        client.options.user_known_hosts[0].write_text(line)
        return client.to(server, trust=False)

    def test_a_certificate_of_a_known_authority_passes(self, sshd, client, keys, kit, tmp_path):
        """No key of the host itself is stored."""
        key = certified(keys, tmp_path, "good", "-n", "127.0.0.1")
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        assert self.trusting(client, server, keys, kit).ask().kind is None

    @pytest.mark.parametrize(
        "options", [("-n", "elsewhere"), ("-n", "127.0.0.1", "-V", "20200101:20200102")], ids=["name", "expired"]
    )
    def test_a_certificate_that_does_not_hold_is_refused(self, sshd, client, keys, kit, tmp_path, options):
        """Another host's name, or a time that is over."""
        key = certified(keys, tmp_path, "bad", *options)
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        assert self.trusting(client, server, keys, kit).ask().kind is ErrorKind.HOST_KEY_MISMATCH

    def test_an_unknown_authority_is_refused(self, sshd, client, keys, kit, tmp_path):
        """Some authority is known for the host, but not that one."""
        key = certified(keys, tmp_path, "foreign", "-n", "127.0.0.1")
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        outcome = self.trusting(client, server, keys, kit, keys.other).ask()
        assert outcome.kind is ErrorKind.HOST_KEY_UNKNOWN
        assert shown(keys.authority) in outcome.error.message

    def test_a_known_plain_key_passes_beside_an_unknown_authority(self, sshd, client, keys, kit, tmp_path):
        """As with ssh(1): the certificate says nothing to us, the key inside it does."""
        key = certified(keys, tmp_path, "both", "-n", "127.0.0.1")
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        self.trusting(client, server, keys, kit, keys.other)
        with client.options.user_known_hosts[0].open("a") as file:
            file.write(server.known())
        assert client.ask().kind is None

    def test_a_revoked_key_inside_a_certificate_is_refused(self, sshd, client, keys, kit, tmp_path):
        """The authority vouches for it, a line revokes it."""
        key = certified(keys, tmp_path, "revoked", "-n", "127.0.0.1")
        server = sshd(f"HostCertificate {key}-cert.pub", host_keys=[key])
        self.trusting(client, server, keys, kit)
        with client.options.user_known_hosts[0].open("a") as file:
            file.write(f"@revoked * {kit.public(key)}\n")
        assert client.ask().kind is ErrorKind.HOST_KEY_MISMATCH

    def test_only_an_authority_and_a_server_without_certificate(self, sshd, client, keys, kit):
        """The plain key is simply unknown; it is not told as a broken connection."""
        server = sshd()
        outcome = self.trusting(client, server, keys, kit).ask()
        assert outcome.kind is ErrorKind.HOST_KEY_UNKNOWN
        assert fingerprint(parse_line(server.known().encode(), None).key) in outcome.error.message
