"""One host in detail."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from netaudit.model.result import HostReport, HostStatus, Result, Severity
from netaudit.report.one_host import host_blocks
from netaudit.report.setting import page_lines
from netaudit.report.words import Options


def _page(*results: Result, verbose: bool = False) -> str:
    report = HostReport("web1", "198.18.0.1", HostStatus.OK, None, 0.1, results)
    options = Options(columns=100, verbose=verbose)
    lines = page_lines(list(host_blocks(report, options)), options)
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_what_is_no_fault_is_listed_in_a_line(made_up: ModuleType) -> None:
    """A failure that is only information is named, so that the count of failures can be understood."""
    remark = replace(made_up.ring(256), severity=Severity.INFO)
    page = _page(remark)
    assert "worth knowing" in page
    assert f"{remark.title}  {remark.check}" in page
    assert "Set the receive ring" not in page
    verbose = _page(remark, verbose=True)
    assert "worth knowing" not in verbose
    assert "Set the receive ring" in verbose


def test_every_subject_tells_where_it_was_read_and_what_to_do(made_up: ModuleType) -> None:
    """Evidence, reason and fix of several subjects stand under one another, and equal ones once."""
    result = made_up.backlog(("0.0.0.0:80", 128), ("0.0.0.0:443", 128))
    page = _page(result)
    assert page.count("restart needed") == 1
    assert page.count("Restart nginx.service") == 1
    assert "LISTEN 0.0.0.0:80" in page
    assert "LISTEN 0.0.0.0:443" in page


def test_many_subjects_are_not_all_told(made_up: ModuleType) -> None:
    """Of more than a few only the first are told, and the number of the others."""
    result = made_up.backlog(*((f"0.0.0.0:{port}", 128) for port in range(8000, 8010)))
    assert "and 7 more; -v shows them" in _page(result)
    assert "LISTEN 0.0.0.0:8009" in _page(result, verbose=True)
