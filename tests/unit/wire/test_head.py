"""A probe's head is read strictly, and every mistake is named with its line."""

from __future__ import annotations

import hashlib

import pytest

from netaudit.errors import RuleError
from netaudit.model.probe import Needs
from netaudit.wire.head import parse_probe

HEAD = {
    "id": "sysctl",
    "summary": "All of net.* and what bears on it.",
    "reads": "/proc/sys/net, ip",
    "needs": "user",
    "timeout_s": "5",
    "max_bytes": "256KiB",
    "format": "path=value",
}


def text_of(**changes: str | None) -> str:
    """A probe whose head is in order but for the changes; None leaves a line out."""
    head = {key: value for key, value in {**HEAD, **changes}.items() if value is not None}
    return "#!/bin/sh\n" + "".join(f"# {key}: {value}\n" for key, value in head.items()) + "\necho\n"


def refusal(text: str, file: str = "remote_probes/sysctl.sh") -> str:
    """What is said of a probe that is refused."""
    with pytest.raises(RuleError) as caught:
        parse_probe(text, file)
    return str(caught.value)


def test_a_head_becomes_a_probe():
    """Every line of the head arrives in its field, with its type."""
    text = text_of(params="PEERS, PORT", cost_cpu_ms="1.5", cost_processes="2")
    probe = parse_probe(text, "remote_probes/sysctl.sh")
    assert (probe.id, probe.summary, probe.needs) == ("sysctl", "All of net.* and what bears on it.", Needs.USER)
    assert probe.reads == ("/proc/sys/net", "ip")
    assert (probe.timeout_s, probe.max_bytes, probe.format) == (5, 262144, "path=value")
    assert (probe.params, probe.cost_cpu_ms, probe.cost_processes) == (("PEERS", "PORT"), 1.5, 2)
    assert probe.text == text
    assert probe.digest == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_optional_has_a_default():
    """Without parameters and measured cost a head is still whole."""
    probe = parse_probe(text_of(), "sysctl.sh")
    assert (probe.params, probe.cost_cpu_ms, probe.cost_processes) == ((), 0.0, 0)


def test_a_long_value_continues():
    """A line of a hash and three blanks goes on with the value above it."""
    probe = parse_probe(text_of(reads="/proc/a,\n#   /proc/b"), "sysctl.sh")
    assert probe.reads == ("/proc/a", "/proc/b")


def test_a_directive_for_shellcheck_is_no_key():
    """A directive for the linter may stand in the head."""
    assert parse_probe(text_of(summary="x\n# shellcheck disable=SC2086"), "sysctl.sh").summary == "x"


@pytest.mark.parametrize("key", list(HEAD))
def test_a_missing_key_is_named(key):
    """Each required line is asked for by name, with the place where it could stand."""
    said = refusal(text_of(**{key: None}))
    assert said.startswith("remote_probes/sysctl.sh:8: ")
    assert f"lacks '{key}'" in said


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ({"timeout_s": None, "timout_s": "5"}, 8, "did you mean 'timeout_s'?"),
        ({"id": "Sysctl"}, 2, "not a probe id"),
        ({"id": "a-b"}, 2, "not a probe id"),
        ({"needs": "admin"}, 5, "neither 'user' nor 'root'"),
        ({"timeout_s": "5s"}, 6, "not a whole number"),
        ({"timeout_s": "٣"}, 6, "not a whole number"),
        ({"timeout_s": "0"}, 6, "between 1 and 60"),
        ({"timeout_s": "61"}, 6, "between 1 and 60"),
        ({"max_bytes": "256 potatoes"}, 7, "is not a size"),
        ({"max_bytes": "0"}, 7, "between 1 byte and 16 MiB"),
        ({"max_bytes": "1GiB"}, 7, "between 1 byte and 16 MiB"),
        ({"reads": "/proc/a,,/proc/b"}, 4, "none of them empty"),
        ({"summary": ""}, 3, "must not be empty"),
        ({"params": "peers"}, 9, "not a parameter"),
        ({"params": "PATH"}, 9, "not a parameter"),
        ({"params": "A, A"}, 9, "stands twice"),
        ({"cost_cpu_ms": "-1"}, 9, "not a number"),
        ({"cost_processes": "1.5"}, 9, "not a whole number"),
        ({"summary": "x\n# id: again"}, 4, "stands twice"),
        ({"summary": "x\n# Some prose."}, 4, "lines '# key: value'"),
    ],
)
def test_a_mistake_is_named_with_its_line(changes, line, words):
    """Unknown key, wrong type, wrong size: file, line, and what would be right."""
    said = refusal(text_of(**changes))
    assert said.startswith(f"remote_probes/sysctl.sh:{line}: "), said
    assert words in said


def test_a_probe_starts_with_its_shell():
    """Another first line is refused, so that the file can be run by hand."""
    assert "#!/bin/sh" in refusal("#!/bin/bash\n")
    assert "#!/bin/sh" in refusal("")


def test_a_probe_is_called_as_its_file():
    """The id and the name of the file agree."""
    assert "sysctl.sh" in refusal(text_of(), "remote_probes/other.sh")
