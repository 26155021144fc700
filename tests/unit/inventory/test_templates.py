"""Templates in connection variables: what is evaluated, what is refused, and bounds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from netaudit.errors import InventoryError, Where
from netaudit.inventory import load
from netaudit.inventory.templates import MAX_TEMPLATE, Evaluator, TemplateProblem, is_template
from netaudit.inventory.values import UnsafeText, Value, Vaulted

VARS: dict[str, dict[str, Value]] = {
    "h.example.net": {"n": 5, "s": "a-b", "yes": True, "alias": "{{ s }}", "loop": "{{ loop }}",
                      "d": {"k": ["{{ n }}"]}, "raw": UnsafeText("{{ n }}"), "v": Vaulted("x", Where(""))},
    "192.0.2.1": {"ansible_host": "{{ hostvars['h.example.net'].alias }}"},
}  # fmt: skip


def evaluate(text: Value, host: str = "h.example.net") -> Value:
    """The value of a template for a host of VARS."""
    groups = {"bastions": ["192.0.2.1"], "all": list(VARS)}
    evaluator = Evaluator(list(VARS), VARS.__getitem__, groups, lambda _host: ["web"], lambda _value: "clear")
    return evaluator.evaluate(host, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ inventory_hostname }}", "h.example.net"),
        ("{{ inventory_hostname_short }}.lan", "h.lan"),
        ("{{ n }}", 5),
        ("{{- n -}}", 5),
        ("{{ n }}2", "52"),
        ("{{ n + 1 }}", 6),
        ("{{ alias }}", "a-b"),
        ("{{ s | replace('-', '_') | upper }}", "A_B"),
        ("{{ s.split('-')[1] }}", "b"),
        ("{{ s | regex_replace('^a', 'c') }}", "c-b"),
        ("{{ nosuch | default('x') }}", "x"),
        ("{{ 'a' if yes else 'b' }}", "a"),
        ("{% if n > 3 %}big{% else %}small{% endif %}", "big"),
        ("{{ d.k[0] }}", 5),
        ("{{ d['k'] | first }}", 5),
        ("{{ raw }}", "{{ n }}"),
        ("{{ v }}", "clear"),
        ("{{ group_names | join(',') }}", "web"),
        ("{{ groups['bastions'][0] }}", "192.0.2.1"),
        ("{{ hostvars[groups.bastions[0]].ansible_host }}", "a-b"),
        ("{{ ansible_host }}", "h.example.net"),
        ("{{ yes | ternary('on', 'off') }}", "on"),
        ("{{ 'web' in group_names }}", True),
        (["{{ n }}", {"k": "{{ s }}"}], [5, {"k": "a-b"}]),
        (UnsafeText("{{ n }}"), "{{ n }}"),
    ],
)
def test_template_is_evaluated(text: Value, value: Value) -> None:
    """Templates over a host's own variables, its groups and other hosts' variables give what Ansible gives."""
    found = evaluate(text)
    assert (type(found) if not isinstance(found, UnsafeText) else str, found) == (type(value), value) or found == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ nosuch }}", "'nosuch' is undefined"),
        ("{{ d.nosuch }}", "has no attribute 'nosuch'"),
        ("{{ hostvars['nosuch'].x }}", "nosuch"),
        ("{{ loop }}", "refers to itself"),
        ("{{ lookup('pipe', 'id') }}", "calls lookup()"),
        ("{{ query('env', 'X') }}", "calls query()"),
        ("{{ s | b64decode }}", "No filter named 'b64decode'"),
        ("{{ s.__class__ }}", "uses the attribute __class__"),
        ("{{ s | attr('__class__') }}", "No filter named 'attr'"),
        ("{{ s['__class__'] }}", "unsafe"),
        ("{{ s.format(s) }}", "a call that takes Ansible"),
        ("{{ 'a' * 10 }}", "a mul, which takes Ansible"),
        ("{{ 2 ** 9 }}", "a pow, which takes Ansible"),
        ("{% for x in d %}{% endfor %}", "a for, which takes Ansible"),
        ("{% set x = 1 %}", "which takes Ansible"),
        ("{% include '/etc/passwd' %}", "a include, which takes Ansible"),
        ("{{ ", "cannot be evaluated"),
        ("{{ n.x.y }}", "has no attribute"),
        ("{{ n + s }}", "fails: unsupported operand"),
        ("{{ s | regex_replace('(') }}", "regex_replace"),
        ("{{ " + " + ".join(["s"] * 3000) + " }}", f"more than {MAX_TEMPLATE} characters"),
    ],
)
def test_template_is_refused(text: str, problem: str) -> None:
    """What is undefined, looks up, calls, loops or reaches for internals is refused with one line."""
    with pytest.raises(TemplateProblem) as caught:
        evaluate(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_growth_is_bounded_at_every_step() -> None:
    """Filters that multiply a text are stopped while it is small."""
    grow = " | ".join(["replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"] * 20)
    begin = time.process_time()
    with pytest.raises(TemplateProblem, match="gives more than"):
        evaluate("{{ s | " + grow + " }}")
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(("value", "answer"), [("{{ x }}", True), ("{% if x %}{% endif %}", True), ("{ x }", False),
                                               (UnsafeText("{{ x }}"), False), (5, False)])  # fmt: skip
def test_template_is_known_by_its_signs(value: Value, answer: bool) -> None:
    """Text with braces of Jinja2 is a template unless it is marked unsafe."""
    assert is_template(value) is answer


def test_templates_stay_raw_in_an_inventory(tmp_path: Path) -> None:
    """Variables are kept as written; an undefined name is an error of the host that needs it, and of no other."""
    file = tmp_path / "hosts"
    file.write_text("a ansible_host='{{ name }}.lan' name=x\nb ansible_host='{{ name }}.lan'\n", "utf-8")
    inventory = load([str(file)])
    assert inventory.hostvars("a")["ansible_host"] == "{{ name }}.lan"
    assert inventory.targets(["a"]).targets[0].address == "x.lan"
    with pytest.raises(InventoryError, match=r"hosts:2: host 'b': ansible_host: .*'name' is undefined"):
        inventory.targets(["b"])
