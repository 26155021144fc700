"""Payloads in the shells that run them: what they answer, what stops them, and that nothing stays behind."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from netaudit.errors import ErrorKind
from netaudit.model.probe import SectionStatus
from netaudit.wire.bundle import build

NONCE = "5a" * 16


def bundle_of(*probes, deadline_s: int = 60, is_timed: bool = True, **params: str):
    """A bundle with the nonce of these tests."""
    return build(probes, nonce=NONCE, deadline_s=deadline_s, params=params, is_timed=is_timed)


def test_every_section_ends_in_its_own_way(run, make_probe):
    """Exit codes, a killed section, a missing command, an unset variable: each ends itself and nothing else."""
    answer = run(
        bundle_of(
            make_probe("whole", "echo one; echo two >&2"),
            make_probe("bare", "printf 'no newline'; printf bare >&2; exit 12"),
            make_probe("replaced", "exec printf 'from a program'"),
            make_probe("missing", "no-such-command-anywhere"),
            make_probe("unset", 'set -u; echo "$NO_SUCH_VARIABLE"; echo not reached'),
            make_probe("killed", 'kill -KILL "$(exec sh -c \'echo "$PPID"\')"; echo not reached'),
            make_probe("failed", "cd /no/such/directory && echo no"),
            make_probe("empty", ":"),
            make_probe("last", "exit 11"),
        )
    ).answer()
    assert answer.status == 0
    assert answer.decoder.is_whole
    assert answer.decoder.problem() is None
    assert answer.decoder.notes == ()
    found = answer.sections
    assert (found["whole"].stdout, found["whole"].stderr) == (b"one\n", b"two\n")
    assert (found["bare"].stdout, found["bare"].stderr) == (b"no newline", b"bare")
    assert found["bare"].status is SectionStatus.NOT_PERMITTED
    assert (found["replaced"].stdout, found["replaced"].status) == (b"from a program", SectionStatus.COMPLETE)
    assert found["missing"].exit_code == 127
    assert found["unset"].status is SectionStatus.FAILED
    assert b"not reached" not in found["unset"].stdout
    assert found["killed"].exit_code == 137
    assert found["failed"].status is SectionStatus.FAILED
    assert (found["empty"].stdout, found["empty"].status) == (b"", SectionStatus.COMPLETE)
    assert found["last"].status is SectionStatus.NOT_PRESENT


def test_a_probe_cannot_eat_the_rest(run, make_probe):
    """One that reads its standard input finds it empty, and cannot reach the channel at descriptor 3."""
    answer = run(
        bundle_of(make_probe("greedy", "cat; head -c 1000000; read -r x <&3; echo $?"), make_probe("next", "echo here"))
    ).answer()
    assert answer.sections["greedy"].stdout.strip() != b"0"
    assert answer.sections["greedy"].stdout.count(b"\n") == 1
    assert answer.sections["next"].stdout == b"here\n"


def test_sections_share_nothing(run, make_probe):
    """What one sets, traps, or changes is not there in the next, and none sees the nonce."""
    spoil = "x=1; cd /tmp; trap 'echo trapped' EXIT; umask 0; IFS=:; nonce=; PATH=; export x; set -f"
    look = 'printf "%s|%s|%s|%s|%s" "$x" "$PWD" "$(umask)" "${nonce-unset}" "$PATH"; echo /[e]tc'
    answer = run(bundle_of(make_probe("spoil", spoil), make_probe("look", look))).answer()
    assert answer.sections["spoil"].stdout == b"trapped\n"
    said = answer.sections["look"].stdout
    assert said == b"|/|0077|unset|/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin/etc\n"


def test_a_login_environment_does_not_reach_a_probe(run, make_probe):
    """Language, path, field separator, a fixture root, and a variable named as ours are the payload's own."""
    probe = make_probe(
        "look", 'env | grep -E "^(nonce|ROOT|IFS|LC_ALL|PATH)="; echo "${ROOT-unset}"; printf "[%s]" a:b'
    )
    hostile = {"LC_ALL": "C.UTF-8", "IFS": ":", "ROOT": "/tmp", "nonce": "x", "PATH": "/usr/bin:/bin:/x"}
    answer = run(bundle_of(probe), **hostile).answer()
    lines = answer.sections["look"].stdout.decode().split("\n")
    assert sorted(lines[:2]) == ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"]
    assert lines[2:] == ["unset", "[a:b]"]


def test_the_nonce_is_in_no_argument_and_no_environment(run, make_probe):
    """Other users of the host cannot read it from /proc."""
    probe = make_probe("look", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
    answer = run(bundle_of(probe)).answer()
    assert len(answer.sections["look"].stdout) > 1000
    assert NONCE.encode() not in answer.sections["look"].stdout


def test_no_variable_tells_the_nonce(run, make_probe):
    """Not in a later section either, nor when the login environment exports a name that the payload uses."""
    look = "set; env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    hostile = {"nonce": "x", "out_end": "x", "err_end": "x"}
    answer = run(bundle_of(make_probe("first", "echo"), make_probe("look", look)), **hostile).answer()
    assert b"PATH=" in answer.sections["look"].stdout
    assert NONCE.encode() not in answer.sections["look"].stdout


def test_parameters_arrive_as_they_were_given(run, make_probe):
    """Blanks, brackets and percent signs are data."""
    value = "10.0.0.1:80 [fd00::1]:443 %s a=b"
    probe = make_probe("path", 'printf "%s" "$PEERS"', params="PEERS")
    answer = run(bundle_of(probe, make_probe("other", "echo"), PEERS=value)).answer()
    assert answer.sections["path"].stdout == value.encode()


def test_big_output_arrives_whole(run, make_probe):
    """Megabytes on both streams at once."""
    probe = make_probe("big", "head -c 3000000 /dev/zero; head -c 60000 /dev/zero >&2")
    answer = run(bundle_of(probe, make_probe("next", "echo here"))).answer()
    assert len(answer.sections["big"].stdout) == 3_000_000
    assert len(answer.sections["big"].stderr) == 60_000
    assert answer.sections["next"].stdout == b"here\n"


def test_a_late_section_is_ended_with_all_its_descendants(run, make_probe):
    """Its shell, its background children and its grandchildren go; the next section runs."""
    body = "echo start; (sleep 1001 & (sleep 1002; echo no) ) & sleep 1003 | cat; echo no"
    one = run(bundle_of(make_probe("late", body, timeout_s=1), make_probe("next", "echo here")))
    answer = one.answer()
    one.wait_until_gone()
    late = answer.sections["late"]
    assert (late.status, late.exit_code, late.stdout) == (SectionStatus.TIMED_OUT, None, b"start\n")
    assert late.elapsed_ms >= 900
    assert answer.sections["next"].stdout == b"here\n"
    assert answer.decoder.problem() is None


def test_time_is_counted_for_each_section(run, make_probe):
    """A tick in the middle of a section that is not late does not end or repeat it."""
    answer = run(
        bundle_of(
            make_probe("a", "sleep 1.2; echo a; exit 11", timeout_s=2),
            make_probe("b", "sleep 0.9; echo b", timeout_s=2),
        )
    ).answer()
    found = answer.sections
    assert (found["a"].stdout, found["a"].exit_code) == (b"a\n", 11)
    assert (found["b"].stdout, found["b"].exit_code) == (b"b\n", 0)
    assert found["a"].elapsed_ms >= 1150


def test_a_child_that_stays_does_not_hold_the_answer(run, make_probe):
    """The answer has ended although a background child of a probe still holds its streams."""
    probe = make_probe("a", "sleep 1004 & echo done")
    one = run(bundle_of(probe))
    read = b""
    while b" out done 1\n" not in read:
        read += one.process.stdout.read1(65536)
    assert one.process.wait(10) == 0


@pytest.mark.parametrize("is_timed", [True, False])
def test_nothing_is_left_after_a_whole_answer(run, make_probe, is_timed):
    """No guard, no ticker and no sleep is there once the answer has ended."""
    one = run(bundle_of(make_probe("a", "echo here; exit 3"), is_timed=is_timed))
    answer = one.answer()
    assert (answer.status, answer.sections["a"].stdout, answer.sections["a"].exit_code) == (0, b"here\n", 3)
    assert one.left() == []


@pytest.mark.parametrize("is_timed", [True, False])
def test_everything_ends_when_the_controller_is_gone(run, make_probe, is_timed):
    """End of file on the channel ends the probe that runs and all that belongs to it."""
    probes = make_probe("a", "(sleep 1005 & sleep 1006)"), make_probe("b", "echo not reached")
    one = run(bundle_of(*probes, is_timed=is_timed))
    one.wait_until_running("1006")
    one.hang_up()
    one.wait_until_gone()


def test_everything_ends_at_the_deadline(run, make_probe):
    """Also when nobody closes the channel, as after a cut of the network."""
    one = run(bundle_of(make_probe("a", "(sleep 1007 & sleep 1008)"), deadline_s=1))
    one.wait_until_running("1008")
    assert one.process.wait(10) != 0
    one.wait_until_gone()


def test_a_payload_cut_anywhere_runs_nothing(run, shell, make_probe, tmp_path):
    """Not one command of a payload is run before its last line has come, wherever it is cut."""
    witness = tmp_path / "witness"
    bundle = bundle_of(make_probe("a", f"echo x >{witness}"))
    size = len(bundle.payload)
    for at in [*range(0, size - 2, max(1, size // 40)), size - 4, size - 3, size - 2]:
        one = subprocess.run([*shell, "-s"], input=bundle.payload[:at], capture_output=True, start_new_session=True)
        assert not witness.exists(), f"cut at {at} of {size}"
        assert b"@netaudit" not in one.stdout
    run(bundle).answer()
    assert witness.exists()


def test_a_payload_leaves_no_file(run, make_probe, tmp_path):
    """Nothing is written to the places where shells and scripts write."""
    one = run(bundle_of(make_probe("a", "echo")), TMPDIR=str(tmp_path), HOME=str(tmp_path))
    one.answer()
    assert list(tmp_path.iterdir()) == []


def test_a_payload_through_a_cap_is_stopped(run, make_probe):
    """A reader that has had enough closes; the sender ends although it never looks."""
    one = run(bundle_of(make_probe("a", "exec yes")))
    one.process.stdout.read(2**20)
    one.process.stdout.close()
    one.hang_up()
    one.wait_until_gone()


def test_a_shell_that_is_killed_gives_a_cut_section(run, make_probe):
    """What came is kept and called cut; the problem is one of the connection."""
    one = run(bundle_of(make_probe("a", "echo here"), make_probe("b", "echo half; kill -KILL $$; exec sleep 1009")))
    one.process.wait(10)
    answer = one.answer()
    one.wait_until_gone()
    assert answer.sections["a"].stdout == b"here\n"
    assert (answer.sections["b"].status, answer.sections["b"].stdout) == (SectionStatus.CUT, b"half\n")
    assert answer.decoder.problem().kind is ErrorKind.DISCONNECTED


@pytest.mark.parametrize(("is_timed", "least", "most"), [(True, 2, 3), (False, 1, 1)])
def test_the_framing_costs_three_forks_and_one_a_section(shell, make_probe, tmp_path, is_timed, least, most):
    """Sections that are builtins alone: the guard, the ticker, its sleep, and a subshell each. Untimed: the guard."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    probes = [make_probe(f"p{place}", "echo x") for place in range(5)]
    trace = tmp_path / "trace"
    argv = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=clone,clone3,fork,vfork,execve", *shell, "-s"]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as traced:
        traced.stdin.write(bundle_of(*probes, is_timed=is_timed).payload)
        traced.stdin.flush()
        assert traced.stdout.read().endswith(b" out done 5\n")
    text = trace.read_text()
    forks = re.findall(r"\b(?:clone3?|v?fork)(?:\(| resumed>).* = [0-9]+$", text, re.MULTILINE)
    # The ticker may be ended before it has started its sleep.
    assert least <= len(forks) - len(probes) <= most, text
    programs = set(re.findall(r'execve\("[^"]*?([a-z]+)"', text))
    assert programs <= {"sleep", shell[0]}, text
