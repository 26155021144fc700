"""Baselines and checks as a reader sees them: warnings, lists and explanations."""

from __future__ import annotations

import re

WAIVED = """\
baseline: site
extends: [linux-server]
waivers:
  - {check: tcp.syn_queue.syncookies, value: 0, reason: measured, approver: ops, expires: 2020-02-29}
  - {check: tcp.timestamps, value: 0, reason: measured, approver: ops, expires: 2999-12-31}
"""


def test_lint_warns_of_waivers_that_are_over(call, home):
    """With file and line; the one that lasts is not mentioned, and the baseline is still right."""
    (home / "site.yaml").write_text(WAIVED)
    said = call("baseline", "lint", "site.yaml")
    assert said.code == 0
    (warning,) = [line for line in said.err.splitlines() if "warning" in line]
    assert "site.yaml:4:" in warning
    assert "for tcp.syn_queue.syncookies expired on 2020-02-29" in warning


def test_an_explanation_is_a_list_without_templates(call):
    """Items stand apart from one another, a single paragraph has no mark, and no template is shown as it is written."""
    said = call("check", "show", "ip.rp_filter", "--color", "never")
    lines = said.out.splitlines()
    assert any(line.lstrip().startswith("-  RFC 3704") for line in lines)
    why = lines.index(next(line for line in lines if "Why it matters" in line))
    assert not lines[why + 1].lstrip().startswith("-")
    assert "Set net.ipv4.conf.<nic.name>.rp_filter to 2 (loose)" in re.sub(r"\s+", " ", said.out)
    assert "{{" not in said.out
