"""A path means the operator's own file; a bare word means what is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.assets.locate import locate
from netaudit.assets.named import is_path, playbook_file, workload_file
from netaudit.errors import RuleError


@pytest.mark.parametrize(
    ("find", "word", "shipped"),
    [(playbook_file, "audit", "audit.yaml"), (workload_file, "launch", "workloads/launch.yaml")],
)
def test_a_bare_word_is_what_is_shipped(find, word, shipped, tmp_path, monkeypatch):
    """Whoever installed a wheel has no playbooks folder at hand, and still the examples."""
    monkeypatch.chdir(tmp_path)
    assert find(word) == locate().playbooks / shipped


def test_a_file_of_that_name_goes_first(tmp_path, monkeypatch):
    """A file of the operator is never replaced by one of ours."""
    monkeypatch.chdir(tmp_path)
    Path("audit").write_text("[]")
    assert playbook_file("audit") == Path("audit")


def test_a_path_stays_a_path():
    """What looks like a file is one, there or not: the reader says that it is missing."""
    assert playbook_file("./audit") == Path("audit")
    assert workload_file("launch.yml") == Path("launch.yml")
    assert not is_path("web-edge")


def test_an_unknown_word_is_refused_with_the_nearest():
    """A misspelt name is answered with the right one."""
    with pytest.raises(RuleError, match=r"there is no playbook 'audti'") as raised:
        playbook_file("audti")
    assert raised.value.hint == "did you mean 'audit'?"
