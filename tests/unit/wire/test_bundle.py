"""A payload is built of probes that may travel, and its digest is that of what every host is sent."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from netaudit.errors import RuleError
from netaudit.wire.bundle import build
from netaudit.wire.head import parse_probe

NONCE = "00112233445566778899aabbccddeeff"


def test_the_nonce_stands_once_and_the_digest_does_not_know_it(make_probe):
    """Two hosts of a run get payloads that differ in nothing but the nonce."""
    probes = [make_probe("a"), make_probe("b")]
    first = build(probes, nonce=NONCE, deadline_s=60, params={})
    second = build(probes, nonce=NONCE[::-1], deadline_s=60, params={})
    assert first.payload.count(NONCE.encode()) == 1
    assert first.payload.replace(NONCE.encode(), NONCE[::-1].encode()) == second.payload
    assert first.digest == second.digest
    blanked = first.payload.replace(NONCE.encode(), b"0" * 32)
    assert first.digest == hashlib.sha256(blanked).hexdigest()
    assert (first.probes, first.deadline_s) == (tuple(probes), 60)


def test_what_would_run_differently_has_another_digest(make_probe):
    """Probes, their order, the deadline and the parameters are all in the digest."""
    a, b = make_probe("a"), make_probe("b")
    path = make_probe("path", "echo $PEERS", params="PEERS")

    def digest(probes, deadline_s=60, **params):
        return build(probes, nonce=NONCE, deadline_s=deadline_s, params=params).digest

    digests = [
        digest([a, b]),
        digest([b, a]),
        digest([a]),
        digest([a, b], 61),
        digest([make_probe("a", "echo bye"), b]),
        digest([path], PEERS="x"),
        digest([path], PEERS="y"),
    ]
    assert len(set(digests)) == len(digests)


def test_comments_of_probes_stay_here(make_probe):
    """The head and other comments cost no bytes on the wire; the code is sent without its indentation."""
    probe = make_probe("a", "# why this is so\n\n  echo one  # trailing")
    payload = build([probe], nonce=NONCE, deadline_s=60, params={}).payload.decode()
    assert "why this is so" not in payload
    assert "# summary" not in payload
    assert "probe_a() {\necho one  # trailing\n}\n" in payload


def test_a_payload_is_one_compound_command(make_probe):
    """It starts with the brace that the last line closes, so that nothing runs before all of it is there."""
    payload = build([make_probe("a")], nonce=NONCE, deadline_s=60, params={}).payload
    assert payload.startswith(b"{\n")
    assert payload.endswith(b"\nmain\nexit 0\n}\n")


def test_a_parameter_travels_as_a_literal(make_probe):
    """Only the probes that declare it are preceded by it, and it stands in single quotes."""
    probes = [make_probe("a"), make_probe("path", "echo $PEERS", params="PEERS")]
    value = "10.0.0.1:80 [fd00::1]:443 db%eth0/24"
    payload = build(probes, nonce=NONCE, deadline_s=60, params={"PEERS": value, "OTHER": "$(id)"}).payload
    assert payload.count(f"  PEERS='{value}'\n  section path 5\n".encode()) == 1
    assert b"OTHER" not in payload


@pytest.mark.parametrize("value", ["a'b", "a\nb", "$(id)", "`id`", "a\\", 'a"b', "a;b\x00", "a\x1bb", "ä", "x" * 16385])
def test_a_parameter_that_must_not_reach_a_shell_is_refused(make_probe, value):
    """Quotes, substitutions, control characters and masses are errors here, before any host is contacted."""
    probe = make_probe("path", "echo $PEERS", params="PEERS")
    with pytest.raises(RuleError, match="PEERS holds a character"):
        build([probe], nonce=NONCE, deadline_s=60, params={"PEERS": value})


def test_a_parameter_that_is_missing_is_asked_for(make_probe):
    """A probe is never sent without what it declares."""
    with pytest.raises(RuleError, match="'path' needs PEERS"):
        build([make_probe("path", params="PEERS")], nonce=NONCE, deadline_s=60, params={})


def test_a_here_document_is_refused(make_probe):
    """Its line in the file is named."""
    with pytest.raises(RuleError, match="here-document in line 10"):
        build([make_probe("a", "cat <<X\n# x\nX")], nonce=NONCE, deadline_s=60, params={})


@pytest.mark.parametrize("char", ["\x00", "\r", "\x1b", "\x7f"])
def test_a_control_character_is_refused(make_probe, char):
    """What an editor would not show does not travel."""
    with pytest.raises(RuleError, match="control character"):
        build([make_probe("a", f"echo x{char}")], nonce=NONCE, deadline_s=60, params={})


def test_a_bundle_that_makes_no_sense_is_a_defect(make_probe):
    """A bad nonce, a bad deadline, no probe or one twice are mistakes of the caller."""
    probe = make_probe("a")
    for nonce in ("", "x" * 32, NONCE.upper(), NONCE + "\n"):
        with pytest.raises(ValueError, match="nonce"):
            build([probe], nonce=nonce, deadline_s=60, params={})
    for deadline_s in (0, 3601):
        with pytest.raises(ValueError, match="deadline"):
            build([probe], nonce=NONCE, deadline_s=deadline_s, params={})
    for probes in ([], [probe, probe], [probe, dataclasses.replace(probe, text="#!/bin/sh\n")]):
        with pytest.raises(ValueError, match="different probes"):
            build(probes, nonce=NONCE, deadline_s=60, params={})


def test_a_probe_keeps_bytes_that_are_not_ascii(make_probe):
    """A payload is UTF-8, as the file is."""
    probe = parse_probe(make_probe("a", "echo µ").text, "a.sh")
    assert "echo µ".encode() in build([probe], nonce=NONCE, deadline_s=60, params={}).payload
