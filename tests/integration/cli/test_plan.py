"""``netaudit plan`` and ``vet`` as a user starts them: over stored captures, and over the lab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError

REFUSED = HostError(ErrorKind.REFUSED, "nothing listens on that port", Phase.CONNECT, "is sshd running?")
OWN = """\
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
LOW = (b"==> net/core/somaxconn <==\n4096", b"==> net/core/somaxconn <==\n128")


@pytest.fixture
def folder(stored, host, edit) -> Path:
    """Captures of three hosts, on two of which somaxconn was never raised."""
    low = {"sysctl": edit(LOW)}
    return stored(host("web1", low), host("web2", low), host("web3"))


def test_a_plan_of_stored_captures(netaudit, folder: Path) -> None:
    """Equal hosts are one, batches are resolved, nobody is contacted, and the exit code is 0."""
    done = netaudit("plan", "--from", folder, "--only", "tcp.accept_queue.somaxconn", "--serial", "1,100%")
    assert "web[1-2]" in done.out
    assert "net.core.somaxconn  128 → 4096" in done.out
    assert "1. 1 host, new-sockets: web1" in done.out
    assert "2. 1 host, new-sockets: web2" in done.out


def test_the_plan_file(netaudit, folder: Path, tmp_path: Path, published) -> None:
    """``-o plan.json`` is the file for `fix --plan`, beside the console."""
    done = netaudit("plan", "--from", folder, "--only", "tcp.accept*", "-o", tmp_path / "plan.json")
    plan = json.loads((tmp_path / "plan.json").read_text())
    published("plan-1", plan)
    assert plan["digest"][:12] in done.out
    assert plan["schema"] == "netaudit.plan/1"
    assert [host["host"] for host in plan["hosts"]] == ["web1", "web2", "web3"]
    assert plan["hosts"][0]["steps"][0]["after"] == "4096"
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(netaudit("plan", "--from", folder, "--only", "tcp.accept*", "-o", "json").out)["hosts"]


def test_exports(netaudit, folder: Path, tmp_path: Path) -> None:
    """A playbook, sysctl.d files and scripts, all of one plan."""
    netaudit(
        "plan", "--from", folder, "--only", "tcp.accept*", "-o", f"ansible={tmp_path / 'p.yml'}",
        "-o", f"sysctl={tmp_path / 's'}", "-o", f"shell={tmp_path / 'h'}",
    )  # fmt: skip
    assert 'hosts: "web1,web2"' in (tmp_path / "p.yml").read_text()
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["web1.conf", "web2.conf"]
    assert sorted(path.name for path in (tmp_path / "h").iterdir()) == ["web1.sh", "web2.sh"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--serial", "0"), "no size of a batch"),
        (("--only", "tcp.accept_queue.somaxcon"), "did you mean 'tcp.accept_queue.somaxconn'?"),
        (("--allow", "everything"), "invalid choice"),
        (("-o", "sysctl"), "the directory is missing"),
        (("-o", "yaml"), "there is no format"),
        (("-o", "shell=/no/such/folder"), "there is no directory"),
        (("--remediations", "nothing.yaml"), "there is no such file"),
    ],
)
def test_what_cannot_be_meant(netaudit, folder: Path, words: tuple[str, ...], said: str) -> None:
    """One clear line and exit 2."""
    assert said in netaudit("plan", "--from", folder, *words, code=2).err


def test_vet(netaudit, folder: Path, tmp_path: Path) -> None:
    """An own file is refused until it is pinned, has its way then, and is refused with what was altered after that."""
    file = tmp_path / "mine.yaml"
    file.write_text(OWN)
    plan = ("plan", "--from", folder, "--only", "tcp.accept_queue.somaxconn", "--remediations", file)
    assert "is not pinned" in netaudit(*plan, code=2).err
    assert "pinned by j.doe" in netaudit("vet", file, "--who", "j.doe").err
    assert "128 → 8192" in netaudit(*plan).out
    netaudit("vet", "--check", file)
    file.write_text(OWN.replace("8192", "16384"))
    done = netaudit(*plan, code=2)
    assert "was altered since j.doe pinned it" in done.err
    assert "+        value: 16384" in done.err
    assert "altered" in netaudit("vet").out
    assert "was altered" in netaudit("vet", "--check", file, code=2).err
    netaudit("vet", file)
    assert "128 → 16384" in netaudit(*plan).out
    netaudit("vet", "--remove", file)
    assert "is not pinned" in netaudit(*plan, code=2).err


def test_vet_lists_what_is_shipped(netaudit) -> None:
    """Every shipped file is as it was pinned."""
    lines = netaudit("vet").out.splitlines()[1:]
    assert len(lines) >= 8
    assert all(line.startswith("as pinned") for line in lines)


def test_vet_refuses_what_is_not_valid(netaudit, tmp_path: Path) -> None:
    """A file that could not be used is not pinned."""
    file = tmp_path / "mine.yaml"
    file.write_text(OWN.replace("range:", "rnage:"))
    assert (
        "mine.yaml:10:9: a step sysctl has no key 'rnage' (did you mean 'range'?)" in netaudit("vet", file, code=2).err
    )


def test_hosts_without_an_answer(netaudit, stored, host) -> None:
    """They are left alone, said so, and the exit code is 3."""
    folder = stored(host("web1"), host("web2", error=REFUSED))
    done = netaudit("plan", "--from", folder, code=3)
    assert "1 host gave no answer and would not be touched" in done.out


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_the_lab(netaudit, lab_fleet, patient) -> None:
    """Every fault of the lab is planned for, or said to be left alone and why."""
    lab, _ = lab_fleet
    words = ("-i", lab.inventory, "-b", lab.baseline, *patient)
    done = netaudit("plan", *words, "-o", "json", code=3)  # one host of the lab never answers
    plan = json.loads(done.out)
    steps = {host["host"]: [step["subject"] for step in host["steps"]] for host in plan["hosts"]}
    assert steps["web02"] == ["net.core.somaxconn"]
    left = {each["check"] for host in plan["hosts"] for each in host["not_remedied"]}
    assert {"tcp.tw.fin_timeout", "path.mtu.segment", "host.sysctl.clobbered"} <= left
    assert len(plan["hosts"]) == 24
