"""What is sent to a host, and what is made of its answer: quoting, names, files, words that are not to be trusted."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import RuleError
from netaudit.model.plan import HostPlan, Step, StepClass
from netaudit.model.probe import Section, SectionStatus
from netaudit.remedy import host_control, host_files, host_watch
from netaudit.remedy.answer import MAX_VALUE_BYTES, Word, parse_answer
from netaudit.remedy.guard import Action
from netaudit.remedy.host_side import Change, answer_of, files_of, payload, printf_format, quote
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.reasons import reason_of, surprise
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep, transaction_id, undoing

NONCE = "0" * 32
TOKEN = "a1" * 16
PATH = "/etc/sysctl.d/99-zz-netaudit.conf"
SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]]
TEXTS = {
    "library": host_watch.LIBRARY, "watcher": host_watch.WATCHER, "runner": host_files.RUNNER, "try": host_files.TRY,
    "persist": host_files.PERSIST, "unpersist": host_files.UNPERSIST, "control": host_control.CONTROL,
    "find": host_control.FIND, "place": host_control.PLACE, "arm": host_control.ARM, "go": host_control.GO,
    "confirm": host_control.CONFIRM, "keep": host_control.KEEP, "abort": host_control.ABORT,
    "tidy": host_control.TIDY,
}  # fmt: skip
# Files that are read in, variables of the other file, -ef and -O, and assignments of nothing before another one.
UNWANTED = "SC1090,SC1091,SC2154,SC2034,SC3013,SC2317,SC2329,SC2086,SC1007,SC2015,SC2012"


def step(before: str = "128", after: str = "4096", **changes: object) -> WorkStep:
    """One step."""
    given = {"read": "cat x", "apply": f"echo {after} >x", "undo": f"echo {before} >x", "accepts": (after,), **changes}
    return WorkStep("net.core.somaxconn", before, StepScript(**given))


def work(*steps: WorkStep, **changes: object) -> Work:
    """One step and one file."""
    given = {"files": (FileState(PATH, b"a = 1\n"),), **changes}
    return Work("web1", "boot-1", steps or (step(),), **given)


def shells(command: list[str]) -> list[str]:
    """The shell, or a skip where it is not installed."""
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here")
    return command


@given(st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"])))
def test_a_quoted_word_is_one_word(text):
    """Whatever stands in it, a shell takes it as it is."""
    done = subprocess.run(["dash", "-c", f"printf %s {quote(text)}"], capture_output=True)
    assert text.encode() == done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_printf_prints_every_byte(shell):
    """All 256 of them, percent signs, backslashes, quotes and NUL among them."""
    content = bytes(range(256)) * 2 + b"%s %% \\n '\\'' \r\n"
    done = subprocess.run([*shells(shell), "-c", f"printf {printf_format(content)}"], capture_output=True)
    assert content == done.stdout


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_every_text_is_read_by_every_shell(name, shell):
    """None of them has a syntax that one of the three does not know."""
    done = subprocess.run([*shells(shell), "-n"], input=TEXTS[name], text=True, capture_output=True)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_passes_shellcheck(name):
    """As strict as the probes, but for what is meant."""
    command = [*shells(["shellcheck"]), "-s", "sh", "-e", UNWANTED, "-"]
    done = subprocess.run(command, input=TEXTS[name], text=True, capture_output=True)
    assert "" == done.stdout


def test_the_token_is_sent_where_it_is_needed_and_is_not_the_name():
    """The name of a change, which stands in paths and units, does not give its token away."""
    change = Change(work(), TOKEN)
    assert transaction_id(TOKEN) == change.id
    assert TOKEN not in change.id
    assert TOKEN not in repr(change)
    for action in Action:
        text = payload(action, change, nonce=NONCE, deadline_s=30).payload.decode()
        assert f"TOKEN='{TOKEN}'" in text
        assert 1 == text.count(TOKEN)


def test_who_takes_over_has_no_token():
    """The journal knows the name alone: a later controller can undo and tidy, and cannot confirm."""
    change = Change(work(), "", "", "0123456789abcdef")
    assert b"TOKEN=''" in payload(Action.ABORT, change, nonce=NONCE, deadline_s=30).payload


@pytest.mark.parametrize(
    "path", ["etc/x", "/etc/../x", "/etc/$(id)", "/etc/a b", "/etc/x;y", "/etc/x\ny", "/", "/etc/", "/etc/.."]
)
def test_a_path_that_a_shell_could_take_for_more_is_refused(path):
    """Only absolute paths of plain letters are written."""
    with pytest.raises(RuleError, match="is not written"):
        payload(Action.ARM, Change(work(files=(FileState(path, b""),)), TOKEN), nonce=NONCE, deadline_s=30)


def test_a_value_of_several_lines_is_refused():
    """A value is a line: more could not be compared."""
    with pytest.raises(RuleError, match="one line"):
        payload(Action.ARM, Change(work(step(before="1\n2")), TOKEN), nonce=NONCE, deadline_s=30)


def test_a_window_out_of_range_is_refused():
    """The host's timer must end, and not at once."""
    for seconds in (0, 901):
        with pytest.raises(RuleError, match="--confirm-within"):
            work(confirm_within_s=seconds)


def section(name: str, out: bytes = b"", err: bytes = b"", code: int = 0) -> Section:
    """What a host printed."""
    status = {0: SectionStatus.COMPLETE, 10: SectionStatus.NOT_APPLICABLE, 11: SectionStatus.NOT_PRESENT}[code]
    return Section(name, status, code, out, err, 1)


def test_an_answer_is_read():
    """State, watcher, boot, time that is left, values and notes."""
    said = (
        b"boot e23a3c34-6efd-487f-8b65-5ed0d78bc78c\nmade e23a3c34-6efd-487f-8b65-5ed0d78bc78c\n"
        b"state refused stale 1 it is '7', not '128'\nwatcher alive\nmethod setsid\nleft 412\n"
        b"value 1 7\nunread 2\nnote something\nowner run 1, for 3 s\nnonsense\n"
    )
    answer = answer_of([section("guard_arm", said)])
    assert (Word.REFUSED, "stale", "1 it is '7', not '128'") == (answer.word, answer.why, answer.detail)
    assert (True, 4.12, {1: "7", 2: None}, ("something",)) == (
        answer.alive, answer.left_s, dict(answer.values), answer.notes,
    )  # fmt: skip
    reason = reason_of(answer, work())
    assert "net.core.somaxconn is not what the plan saw: it is '7', not '128'" == reason.text
    assert "stale" == reason.code


@given(st.binary(max_size=400))
def test_no_answer_of_a_host_is_too_odd(data):
    """What is no word of the guard is no answer; nothing raises, and nothing unprintable gets through."""
    for answer in (parse_answer(data), parse_answer(b"state refused " + data)):
        if answer is not None:
            assert all(text.isprintable() for text in (answer.why, answer.detail, answer.owner, *answer.notes))
            assert reason_of(answer, work()).text.isprintable()


def test_long_answers_are_bounded():
    """Neither a value nor the number of lines grows without end."""
    answer = parse_answer(b"state armed\nvalue 1 " + b"x" * 100_000 + b"\n" + b"note n\n" * 5000)
    assert MAX_VALUE_BYTES == len(answer.values[1])
    assert 20 == len(answer.notes)


def test_a_cut_answer_is_none():
    """Half an answer may say the wrong half."""
    whole = section("guard", b"state applied\n")
    cut = Section("guard", SectionStatus.CUT, None, b"state applied\n", b"", 1)
    assert answer_of([whole]) is not None
    assert answer_of([cut]) is None


def test_files_are_kept_with_mode_and_owner():
    """What is replaced can be put back as it was; a file that could not be read whole is left out and refused."""
    both = work(files=(FileState(PATH, b"a"), FileState("/etc/other", b"b")))
    listed = b"-rw-r-----. 1 7 8 3 Nov 20 22:00 /etc/x\n"
    found = files_of([section("guard_file1", b"old", listed), section("guard_file2", code=11)], both)
    assert (FileState(PATH, b"old", 0o640, 7, 8), FileState("/etc/other", None)) == found
    assert surprise(both, found) is None
    partly = files_of([section("guard_file1", b"old", listed), section("guard_file2", code=10)], both)
    assert "/etc/other could not be read" in surprise(both, partly).text


def test_a_work_turned_round_puts_back_what_was():
    """Reverse order, values and files as before, and only where they are still as they were left."""
    first, second = step(), WorkStep("other", "a", StepScript("r", "do", "undo", ("b", "c"), "keep", "unkeep"))
    made = work(first, second)
    turned = undoing(made, (FileState(PATH, b"old", 0o600),), {1: "4096", 2: "c"})
    assert ["other", "net.core.somaxconn"] == [each.subject for each in turned.steps]
    back = turned.steps[0]
    assert ("c", ("a",), "undo", "do", "unkeep", "keep") == (
        back.before, back.script.accepts, back.script.apply, back.script.undo, back.script.persist,
        back.script.unpersist,
    )  # fmt: skip
    assert ((FileState(PATH, b"old", 0o600),), made.files) == (turned.files, turned.expected_files)
    assert surprise(turned, (FileState(PATH, b"mine"),)).code == "foreign"
    assert surprise(turned, made.files) is None
    gone = undoing(made, (FileState(PATH, None),), {})
    assert gone.files[0].content is None


def test_the_page_of_the_guard_shows_the_whole_table():
    """docs/guard.md is made of the table; another test compares it to the letter."""
    from netaudit.remedy.guard import as_diagram, as_markdown

    page = (Path(__file__).resolve().parents[3] / "docs" / "guard.md").read_text(encoding="utf-8")
    assert as_markdown() in page
    assert as_diagram() in page


def watch(shell: list[str], directory: Path, script: str, **texts: str) -> None:
    """Run some shell with all functions of the watcher, and without its start."""
    given = {
        "lib.sh": host_watch.LIBRARY,
        "run.sh": host_files.RUNNER,
        "change.sh": "id=x steps=1 files=0\n",
        "watch.sh": host_watch.WATCHER.partition("\nlocked= unlasting=\n")[0] + f"\n{script}\nexit 0\n",
        **texts,
    }
    for name, text in given.items():
        (directory / name).write_text(text)
    subprocess.run([*shells(shell), str(directory / "watch.sh")], timeout=60, check=True)


@pytest.mark.parametrize("kind", ["plain", "alone"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_signal_at_the_end_of_a_step_does_not_fail_it(shell, kind, tmp_path):
    """The tick of the clock may come at the very moment at which a step ends: its own status counts."""
    repeated = f'while [ "$number" -lt 60 ]; do\nperform step 10 {kind}\necho "$rc" >>"$dir/said"\n'
    watch(
        shell,
        tmp_path,
        f"watcher=$$ number=0\nexport watcher number\n{repeated}number=$((number + 1))\ndone",
        step='kill -ALRM "$watcher"\nexit $((number % 2))\n',
    )
    assert ["0", "1"] * 30 == (tmp_path / "said").read_text().split()


@pytest.mark.parametrize("kind", ["plain", "alone"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_late_step_is_ended_with_all_that_it_started(shell, kind, tmp_path):
    """Its programs, and theirs; the watcher, its ticker and what an earlier step has left running live on."""
    hanging = 'sleep 986 & echo "$!" >>"$dir/started"\n(sleep 987 & echo "$!" >>"$dir/started"; wait)\nsleep 988\n'
    alive = 'while read -r each; do start_of "$each" && echo "$each lives" >>"$dir/said"; done <"$dir/started"'
    watch(
        shell,
        tmp_path,
        f'start_ticker\nperform early 10 {kind}\nperform late 1 {kind}\necho "$rc $said" >"$dir/said"\nsleep 0.2\n'
        f'{alive}\nread -r left <"$dir/left"\nstart_of "$left" && kill "$left" && echo "left lives" >>"$dir/said"\n'
        'start_of "$ticker" && kill "$ticker" && echo "ticker lives" >>"$dir/said"',
        early='sleep 985 & echo "$!" >"$dir/left"\n',
        late="echo whatever >&2\n" + hanging,
    )
    assert ["124 whatever", "left lives", "ticker lives"] == (tmp_path / "said").read_text().splitlines()
    assert 2 == len((tmp_path / "started").read_text().split())


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_text_in_a_fork_leaves_nothing_in_the_watcher(shell, tmp_path):
    """Neither variables nor options nor traps nor a working directory; it sees the mask for files, and may exec."""
    watch(
        shell,
        tmp_path,
        'perform step 10 plain\necho "$rc $number $(pwd) $(umask)" >"$dir/said"\n: "$nothing"\n'
        'perform program 10 plain\necho "$rc $said" >>"$dir/said"\n'
        'perform unset 10 plain\necho "$rc" >>"$dir/said"\n',
        step='number=other\ncd /proc\nset -f\numask 077\ntrap "" ALRM TERM\nreturn 3\n',
        program="umask >&2\nexec sh -c 'exit 7'\n",
        unset=': "$nothing"\nexit 0\n',
    )
    first, second, third = (tmp_path / "said").read_text().splitlines()
    assert ("3  / 0077", "7 0022") == (first, second)
    assert int(third) > 0


SYSCTL = Step("sysctl", "it", {"key": "net.core.somaxconn"}, "128", "4096", StepClass.LIVE, ("c",), "r", "0" * 64)
MASK = replace(
    SYSCTL, operation="cpu_mask", before="00", after="fe", arguments={"device": "eth0", "which": "rps", "queue": "0"}
)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (SYSCTL, "plain"),
        (replace(SYSCTL, before="1 2 3", after="1 2 4"), "plain"),
        (MASK, "plain"),
        (replace(SYSCTL, namespace="blue"), "alone"),
        (replace(SYSCTL, operation="mtu", before="1500", arguments={"device": "eth0"}), "alone"),
        (replace(SYSCTL, operation="restart", before="active", after="active", arguments={"unit": "a.service"}),
         "alone"),
    ],
    ids=["sysctl", "vector", "mask", "namespace", "mtu", "restart"],
)  # fmt: skip
def test_what_starts_other_programs_has_a_session_of_its_own(made, kind):
    """Only what reads a file by cat and writes it is forked off the watcher, also when it is taken back."""
    (script,) = scripts_of(HostPlan("web1", "a", "b", "0" * 64, (made,))).steps
    whole = work(WorkStep("it", made.before, script), files=())
    for each in (whole, undoing(whole, (), {})):
        text = payload(Action.ARM, Change(each, TOKEN), nonce=NONCE, deadline_s=30).payload.decode()
        assert f" kind={kind} ;;" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"read": "(\nvalue=$(cat /proc/x; modprobe y) || exit 1\n)"},
        {"apply": "(\nprintf '%s\\n' 1 >/proc/x &\n)"},
        {"apply": "(\nprintf '%s\\n' $(id) >/proc/x\n)"},
        {"apply": "(\nprintf '%s\\n' 'a'b'; id' >/proc/x\n)"},
        {"undo": "(\nprintf '%s\\n' 1 >/proc/x\nkill 0\n)"},
        {"persist": "nmcli c"},
        {"unpersist": "nmcli c"},
    ],
)
def test_one_line_more_is_enough_for_a_session(changes):
    """A text is taken for plain by every line of it, not by what it is said to be."""
    written = "(\nprintf '%s\\n' 1 >/proc/x\n)"
    plain = {"read": '(\nvalue=$(cat /proc/x) || exit 1\necho "$value"\n)', "apply": written, "undo": written}
    for texts, kind in ((plain, "plain"), ({**plain, **changes}, "alone")):
        change = Change(work(WorkStep("it", "1", StepScript(accepts=("2",), **texts)), files=()), TOKEN)
        assert f" kind={kind} ;;" in payload(Action.ARM, change, nonce=NONCE, deadline_s=30).payload.decode()


def place(shell: list[str], directory: Path, before: str = "") -> str:
    """Lay out the directory of a change below another /run; what is said of it."""
    told = host_control.PLACE.replace("/run", f"{directory}/run").replace("[ -O /proc/1 ]", ":")
    texts = "LIBRARY= WATCHER= RUNNER= TRY= PERSIST= UNPERSIST= CONTROL= ID=x\n"
    script = f'umask 077\nd="{directory}"\nmkdir "$d/run" "$d/victim"\n{before}\n{texts}{told}'
    return subprocess.run([*shells(shell), "-s"], input=script, text=True, capture_output=True).stdout


BETWEEN = 'mkdir() {\n[ $# -lt 4 ] || %s\ncommand mkdir "$@"\n}'


@pytest.mark.parametrize(
    "before",
    ["", 'mkdir "$d/run/netaudit"', BETWEEN % 'command mkdir "$d/run/netaudit"',
     BETWEEN % 'command mkdir "$d/run/netaudit" "$d/run/netaudit/t.other"'],
    ids=["new", "there", "in between", "other in between"],
)  # fmt: skip
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_directory_is_made_whoever_else_makes_one(shell, before, tmp_path):
    """It is root's alone, whether nothing was there, or something, or it came at that very moment."""
    assert "" == place(shell, tmp_path, before)
    assert "starting\n" == (tmp_path / "run/netaudit/t.x/state").read_text()
    assert [0o40700] * 2 == [(tmp_path / "run/netaudit" / each).stat().st_mode for each in (".", "t.x")]


@pytest.mark.parametrize(
    "before",
    ['mkdir -m 777 "$d/run/netaudit"', 'ln -s "$d/victim" "$d/run/netaudit"', 'ln -s "$d/none" "$d/run/netaudit"',
     BETWEEN % 'ln -s "$d/victim" "$d/run/netaudit"', BETWEEN % 'command mkdir -m 755 "$d/run/netaudit"'],
    ids=["open", "link", "broken link", "link in between", "open in between"],
)  # fmt: skip
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_directory_of_somebody_else_is_refused(shell, before, tmp_path):
    """A link, or one that others may write to, also where it was put there meanwhile; nothing is left in it."""
    assert "state refused not-ours" in place(shell, tmp_path, before)
    assert not list((tmp_path / "victim").iterdir())
    assert not (tmp_path / "run/netaudit/t.x").exists()


def persist(shell: list[str], directory: Path, lines: str, more: str = "", mode: str = "644") -> str:
    """Write the file ``held`` as it is done after a confirmation; what it says that went wrong."""
    file = f"path={directory}/held mode={mode} owner_ids=0:0 gone= lines={lines}"
    script = f'dir="{directory}" id=x files=1\nchown() {{ :; }}\nfile_of() {{ {file}; }}\n{more}\n{host_files.PERSIST}'
    return subprocess.run([*shells(shell), "-s"], input=script, text=True, capture_output=True, umask=0o022).stdout


CONTENT = "a = 1\n\tb  \\n \n\n1\n"
SPOILT = {
    "less": CONTENT[:-2], "none": "", "no end": CONTENT[:-1], "more": CONTENT + "1", "a line more": CONTENT + "\n",
    "other": CONTENT.replace("a", "b"), "blank": CONTENT.replace("  ", " "), "tab": CONTENT.replace("\t", " "),
}  # fmt: skip


@pytest.mark.parametrize("lines", ["1", ""], ids=["by lines", "by sums"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_file_is_compared_with_what_was_to_be_written(shell, lines, tmp_path):
    """Whatever else it holds after all is said, and it has its mode."""
    (tmp_path / "f.1").write_text(CONTENT)
    for mode in ("644", "600", "755"):
        assert "" == persist(shell, tmp_path, lines, mode=mode)
        assert (CONTENT, int(mode, 8)) == ((tmp_path / "held").read_text(), (tmp_path / "held").stat().st_mode & 0o777)
    for name, text in SPOILT.items():
        (tmp_path / "spoilt").write_text(text)
        said = persist(shell, tmp_path, lines, 'mv() {\ncommand mv "$@" && cat "$dir/spoilt" >"$3"\n}')
        assert "does not hold what was written" in said, name


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_what_could_not_be_written_is_taken_away_and_nothing_else_is(shell, tmp_path):
    """A file of that name that was there before stays; half a file of our own does not, and the reason is told."""
    (tmp_path / "f.1").write_text(CONTENT)
    aside = tmp_path / "held.netaudit-x"
    aside.write_text("foreign")
    assert f"{tmp_path}/held: " in persist(shell, tmp_path, "1")
    assert "foreign" == aside.read_text()
    aside.unlink()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dd").write_text(f"#!/bin/sh\necho half >{aside}\necho 'dd: x: no room at all' >&2\nexit 1\n")
    (tmp_path / "bin/dd").chmod(0o755)
    assert f"{tmp_path}/held: no room at all\n" == persist(shell, tmp_path, "1", f"PATH={tmp_path}/bin:$PATH")
    assert not aside.exists()
    assert not (tmp_path / "held").exists()


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"a = 1\n\n# b\tc\n", "1"), (b"a", ""), (b"", ""), (b"a\0\n", ""), (b"\xc3\xa4\n", ""), (b"a\r\n", ""),
     (b"a\n" * 2048, "1"), (b"a\n" * 2049, ""), (None, "")],
)  # fmt: skip
def test_only_short_plain_text_is_compared_by_lines(content, lines):
    """Of other bytes not every shell makes the same."""
    change = Change(work(files=(FileState(PATH, content),)), TOKEN)
    assert f" lines={lines} ;;" in payload(Action.ARM, change, nonce=NONCE, deadline_s=30).payload.decode()
