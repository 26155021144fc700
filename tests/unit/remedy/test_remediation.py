"""Remediations are strict data: complete for the catalogue, judged with their place, never wider than they say."""

from __future__ import annotations

import json
import textwrap
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.assets.remediations import known_names, load_remediations, parsed, shipped_files
from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.load import Problems
from netaudit.baseline.node import plain
from netaudit.baseline.select import Ruleset
from netaudit.errors import PlanError
from netaudit.model.plan import StepClass
from netaudit.remedy.operations import OPERATIONS
from netaudit.remedy.pins import pin_of
from netaudit.remedy.remediation import ARGUMENTS

GOOD = """\
remediations:
  - id: site.somaxconn
    title: Ours
    checks: [tcp.accept_queue.somaxconn]
    class: new-sockets
    steps:
      - operation: sysctl
        key: net.core.somaxconn
        value: 8192
        range: [4096, 16384]
"""


@cache
def ruleset(baseline: str = "linux-server") -> Ruleset:
    """A shipped baseline, loaded once."""
    return load_ruleset(baseline)


def errors(text: str) -> list[str]:
    """Everything that is wrong with a file, as a person reads it."""
    problems = Problems([])
    parsed(textwrap.dedent(text).encode(), "mine.yaml", known_names(ruleset(), locate()), problems)
    return [str(error) for error in problems.found]


def test_a_good_file() -> None:
    """Nothing is wrong with it."""
    assert errors(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title:", "titel:", "mine.yaml:3:5: a remediation has no key 'titel' (did you mean 'title'?)"),
        ("class: new-sockets", "class: newsockets", "mine.yaml:5:12: 'newsockets' is no class"),
        ("tcp.accept_queue.somaxconn", "tcp.accept_queue.somaxcon", "mine.yaml:4:14: there is no check"),
        ("operation: sysctl", "operation: sysctrl", "mine.yaml:7:20: there is no operation 'sysctrl'"),
        ("range:", "ranges:", "mine.yaml:10:9: a step sysctl has no key 'ranges' (did you mean 'range'?)"),
        ("        range: [4096, 16384]\n", "", "a step sysctl needs the key 'range' or 'words'"),
        ("[4096, 16384]", "[16384, 4096]", "16384 is above 4096"),
        ("value: 8192", 'value: "{{ facts.memry.total_bytes }}"', "memry"),
        ("value: 8192", 'value: "{{ need + nope }}"', "nope"),
        ("        key: net.core.somaxconn\n", "", "needs the key 'key'"),
        ("[tcp.accept_queue.somaxconn]", "[]", "answers at least one check"),
        ("        value: 8192\n", "        value: 8192\n        combine: biggest\n", "'biggest' is no combine"),
        ("id: site.somaxconn", "id: Site", "'Site' is no id"),
        ("        value: 8192\n        range", "        key2: 1\n        range", "has no key 'key2'"),
        (
            "key: net.core.somaxconn\n        value: 8192\n",
            "key: net.core.rmem_max\n",
            "does not say what net.core.rmem_max",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, said: str) -> None:
    """File, line, column, and the nearest right name."""
    assert old in GOOD
    found = errors(GOOD.replace(old, new))
    assert any(said in line for line in found), found


def test_a_steps_names_are_those_of_the_check() -> None:
    """``need`` is a definition of the check; a remediation may use it."""
    assert errors(GOOD.replace("value: 8192", 'value: "{{ need }}"')) == []


@pytest.mark.parametrize("baseline", ["linux-server", "web-edge", "kubernetes-node", "nat-gateway"])
def test_every_check_that_names_a_remedy_has_one(baseline: str) -> None:
    """And no remediation answers a check that names none."""
    rules = ruleset(baseline)
    answered = {check for each in load_remediations(rules).all for check in each.checks}
    named = {check.id for check in rules.rules.checks if check.remediation is not None}
    assert named - answered == set()
    known = {check.id for check in ruleset().rules.checks}
    assert answered <= known


def test_the_vocabulary_is_closed(shipped_remediations) -> None:
    """Each operation of the schema exists, but for advice, which is no operation."""
    assert ARGUMENTS.keys() - {"advise"} == OPERATIONS.keys()
    used = {step.operation for each in shipped_remediations.all for rule in each.rules.values() for step in rule.steps}
    assert used <= ARGUMENTS.keys()


def test_disruptive_classes_are_named_so(shipped_remediations) -> None:
    """What resets a link on most drivers is never called live."""
    for each in shipped_remediations.all:
        operations = {step.operation for rule in each.rules.values() for step in rule.steps}
        if operations & {"ring", "channels", "mtu"}:
            assert each.step_class is StepClass.LINK_FLAP
        if "restart" in operations:
            assert each.step_class is StepClass.RESTART


def schema() -> dict:
    """The schema for editors."""
    return json.loads((locate().schema / "remediations.schema.json").read_text())


@pytest.mark.parametrize("path", shipped_files(locate()), ids=lambda path: path.stem)
def test_shipped_files_fit_the_schema_for_editors(path: Path) -> None:
    """What netaudit reads an editor accepts."""
    assert list(Draft202012Validator(schema()).iter_errors(plain(read_yaml(path)))) == []


def test_the_schema_for_editors_is_strict() -> None:
    """It knows the operations with their arguments, and nothing else."""
    operations = {each["properties"]["operation"]["const"] for each in schema()["$defs"]["step"]["oneOf"]}
    assert operations == set(ARGUMENTS)
    wrong = {
        "remediations": [{"id": "a", "title": "b", "checks": ["c"], "class": "live", "steps": [{"operation": "x"}]}]
    }
    assert list(Draft202012Validator(schema()).iter_errors(wrong))


def test_own_files_come_first_and_must_be_pinned(tmp_path: Path, planned, web1) -> None:
    """An unpinned file is refused, an altered one with what was altered; a pinned one has its way."""
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD)
    with pytest.raises(PlanError, match="is not pinned"):
        load_remediations(ruleset(), [file])
    pins = {str(file): pin_of(str(file), GOOD.encode(), "j.doe", web1.facts.taken_at)}
    remediations = load_remediations(ruleset(), [file], pins)
    (step,) = planned(web1.sysctl("net.core.somaxconn", 128), remediations=remediations).steps
    assert (step.after, step.remediation) == ("8192", "site.somaxconn")
    file.write_text(GOOD.replace("8192", "16384"))
    with pytest.raises(PlanError, match=r"was altered since j\.doe pinned it") as caught:
        load_remediations(ruleset(), [file], pins)
    assert "+        value: 16384" in caught.value.difference  # type: ignore[attr-defined]  # of Altered


VARIANTS = """\
remediations:
  - id: site.rmem
    title: Only the third field
    checks: [tcp.rmem.max]
    class: new-sockets
    verify: [tcp.rmem.triplet_sane]
    steps:
      - operation: sysctl
        key: net.ipv4.tcp_rmem
        field: 2
        value: 16MiB
        range: [[4096, 8192], [4096, 1MiB], [1MiB, 1GiB]]
      - operation: txqueuelen
        device: nothere0
        value: 5000
        range: [100, 10000]
        optional: true
      - operation: sysctl
        key: net.ipv4.tcp_wmem
        value: 4096 16384 16777216
        range: [4096, 1GiB]
        when: facts.kernel.version < [2, 6, 0]
    tell:
      - when: facts.cpu.count > 0
        say: "{{ facts.cpu.count }} processors"
      - when: facts.cpu.count == 0
        say: never
"""


def test_fields_options_and_conditions(tmp_path: Path, planned, web1) -> None:
    """One field of a vector, a step that may be refused, one that is left out, and what is told under a condition."""
    file = tmp_path / "mine.yaml"
    file.write_text(VARIANTS)
    pins = {str(file): pin_of(str(file), VARIANTS.encode(), "j.doe", web1.facts.taken_at)}
    remediations = load_remediations(ruleset(), [file], pins)
    plan = planned(web1.sysctl("net.ipv4.tcp_rmem", "4096 131072 200000"), remediations=remediations)
    assert plan.steps, plan.not_remedied
    (step,) = plan.steps
    assert step.after == "4096 131072 16777216"
    assert step.verify == ("tcp.rmem.triplet_sane",)
    assert "4 processors" in step.notes
    assert "never" not in step.notes
    assert any(note.startswith("left out: nothere0 txqueuelen") for note in step.notes)


def test_shipped_files_come_pinned() -> None:
    """Every one, as it is; `python tools/pin_remediations.py` pins them anew after a review."""
    import importlib.util

    path = Path(__file__).parents[3] / "tools" / "pin_remediations.py"
    spec = importlib.util.spec_from_file_location("pin_remediations", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.current()
