"""Templates as a reader sees them who has no host at hand."""

from __future__ import annotations

import pytest

from netaudit.baseline.wording import in_words


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("plain text", "plain text"),
        ("at least {{ need }}, of {{ nic.name }}", "at least <need>, of <nic.name>"),
        ("conf.{{ nic.name | sysctl_segment }}.rp_filter", "conf.<nic.name>.rp_filter"),
        ("at most {{ floor(0.8 * limit) }}", "at most <floor(0.8 * limit)>"),
        ("{{ 'yes' if a == 'b' else 'no' }}", "(yes | no)"),
        ("{{ 'one if any' if a else 'two else three' if b else 'four' }}", "(one if any | two else three | four)"),
        ("x{{ ', unit ' ~ unit if unit != '' else '' }}", "x[, unit <unit>]"),
        ("{{ 511 if rate == 0 else need }}", "(<511> | <need>)"),
        ("{{ max(a, facts.sysctl['net.x']) }}", "<max(a, facts.sysctl['net.x'])>"),
    ],
)
def test_what_stands_for_a_value(template: str, words: str) -> None:
    """Names, texts that are chosen among, texts that may be left out, and what is worked out."""
    assert in_words(template) == words
