"""What the how-tos tell people to put on hosts does what they say."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]
PLACEHOLDER = "netaudit-audit"


@pytest.fixture
def documented(kit):
    """A block of a how-to: ``documented("least-privilege", "sudoers")`` is the one titled so."""

    def block(page: str, title: str) -> str:
        text = (kit.root / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
        (found,) = re.findall(rf'```text title="[^"]*{title}[^"]*"\n(.*?)```', text, re.DOTALL)
        return found

    return block


def test_the_sudoers_lines_are_enough(netaudit, lab_fleet, lab_hosts, patient, documented):
    """With exactly the documented lines a plain user's audit knows everything, and the user may run nothing else."""
    lab, _ = lab_fleet
    host = lab_hosts["web12"]
    rules = documented("least-privilege", "sudoers").replace(PLACEHOLDER, "auditor")
    host.inside(
        """
        cp /etc/shadow /run/shadow
        echo 'auditor:*:20000::::::' >>/run/shadow
        printf '%s' "$1" >/run/sudoers
        chmod 440 /run/sudoers /run/shadow
        visudo -cqf /run/sudoers
        mount --bind /run/shadow /etc/shadow
        mount --bind /run/sudoers /etc/sudoers
        """,
        rules,
    )
    try:
        done = netaudit(
            "audit", "web12", "-i", lab.inventory, "-b", lab.baseline, "--become", "-q", "-o", "json", "--no-history",
            "--fail-on", "critical", *patient, code=0,
        )  # fmt: skip
        elsewhere = host.inside("su auditor -s /bin/sh -c 'sudo -n /bin/sh -c id' 2>&1 || echo refused")
    finally:
        host.inside("umount /etc/sudoers /etc/shadow; rm /run/sudoers /run/shadow")
    (answer,) = done.json()["hosts"]
    assert "ok" == answer["status"]
    assert [] == [result["check"] for result in answer["results"] if result["status"] == "unknown"]
    assert "refused" in elsewhere
