"""``-o html``: one file, its owner's only, of an audit, of a past run, of two of them, of a load."""

from __future__ import annotations

import re

LOW = (b"==> net/core/somaxconn <==\n4096\n", b"==> net/core/somaxconn <==\n128\n")
SHORT = ("audit", "--no-progress", "-q")


def remote(text: str) -> list[str]:
    """What a page asks for that is not in it."""
    return [each for each in re.findall(r'(?:href|src)="([^"]*)"', text) if not each.startswith("#")]


def test_an_audit_is_one_file(netaudit, stored, host, edit, tmp_path):
    """Hosts, values, groups and reasons are inside; nothing is asked of anywhere."""
    low = {"sysctl": edit(LOW)}
    folder = stored(host("web1"), host("web2", low), groups={"web1": ("front",), "web2": ("front",)})
    page = tmp_path / "report.html"
    netaudit(*SHORT, "--from", folder, "-o", f"html={page}", code=1)
    text = page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>")
    assert "web2" in text
    assert "<option>front</option>" in text
    assert "Why it matters" in text
    assert [] == remote(text)


def test_a_past_run_looks_as_it_did(netaudit, stored, host, tmp_path):
    """``report`` makes the same page from the history."""
    folder = stored(host("web1"), host("web2"), groups={"web1": ("front",)})
    then, now = tmp_path / "then.html", tmp_path / "now.html"
    netaudit(*SHORT, "--from", folder, "-o", f"html={then}", code=None)
    netaudit("report", "last", "-o", f"html={now}", code=None)
    assert then.read_text() == now.read_text()


def test_two_runs_are_compared_on_a_page(netaudit, stored, host, edit, tmp_path):
    """What is new in the later one is told with its value."""
    low = {"sysctl": edit(LOW)}
    for folder in (stored(host("web1")), stored(host("web1", low))):
        netaudit(*SHORT, "--from", folder, "-o", "json", code=None)
    runs = [run["run"]["id"] for run in netaudit("history", "-o", "json").json()["runs"]]
    page = tmp_path / "drift.html"
    netaudit("diff", runs[1], runs[0], "-o", f"html={page}", code=1)
    text = page.read_text()
    assert "128, expected ≥ 4096" in text
    assert [] == remote(text)


def test_a_load_is_weighed_on_a_page(netaudit, stored, host, kit, tmp_path):
    """Needs, limits and formulas."""
    page = tmp_path / "load.html"
    captures = stored(host("web1"), groups={"web1": ("web",)})
    workload = kit.root / "playbooks" / "workloads" / "launch.yaml"
    netaudit("capacity", "-q", "--no-progress", "--workload", workload, "--from", captures,
             "-o", f"html={page}", code=None)  # fmt: skip
    text = page.read_text()
    assert "netaudit capacity" in text
    assert "How it is computed" in text
    assert [] == remote(text)


def test_a_page_that_cannot_be_written_is_one_line(netaudit, stored, host, tmp_path):
    """A folder that does not exist is said before any host is asked."""
    done = netaudit(*SHORT, "--from", stored(host("web1")), "-o", f"html={tmp_path}/none/x.html", code=2)
    assert "there is no directory" in done.err
