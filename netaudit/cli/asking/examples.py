"""The examples at the end of every command's ``--help``, of the manual page and of the reference. Each can be typed.

A test parses every one of them with the parser of its command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {
        "audit": (
            ("netaudit audit -i hosts.yaml", "every host, against linux-server"),
            ("netaudit audit 'web:&prod' -b web-edge --become", "a role, some hosts, as root"),
            ("netaudit audit -o json=run.json -o console --fail-on high", "for a script and a person"),
            ("netaudit audit --from captures -b site.yaml", "no host: captures of `collect`"),
        ),
        "capacity": (
            ("netaudit capacity web --workload launch.yaml", "will they carry it, what breaks first"),
            ("netaudit capacity web --workload launch.yaml --scale 2", "and twice the load"),
            (
                "netaudit capacity web --workload launch.yaml --what-if net.core.somaxconn=65535",
                "try a setting out",
            ),
        ),
        "diagnose": (
            ("netaudit diagnose web --for 10s", "what is lost now, and why"),
            ("netaudit diagnose web --for 1m --every 5s -o json", "a series of samples"),
            ("netaudit diagnose web --keep before-the-fix", "keep the samples"),
            ("netaudit diagnose --from before-the-fix", "and judge them again later"),
        ),
        "outliers": (
            ("netaudit outliers web", "who is not like the others of the group"),
            ("netaudit outliers all --by kernel", "compare hosts of the same kernel"),
            ("netaudit outliers web --against web01", "hold all against one host"),
        ),
        "watch": (
            ("netaudit watch web --every 60s", "print what changes, as it changes"),
            ("netaudit watch all --every 5m --listen 127.0.0.1:9116", "with /metrics and /healthz"),
        ),
        "plan": (
            ("netaudit plan web", "what would be changed, and why"),
            ("netaudit plan web -o plan.json --only 'tcp.*'", "a file for `fix --plan`"),
            ("netaudit plan web -o ansible=fix.yaml", "the same as a playbook of Ansible"),
        ),
        "fix": (
            ("netaudit fix web --check", "show the plan and stop"),
            ("netaudit fix web --become --only 'tcp.accept_queue.*'", "ask, then change"),
            ("netaudit fix web --plan plan.json --yes", "a plan that was reviewed"),
            ("netaudit fix web --soak 15s --gate './smoke-test'", "a gate of your own"),
        ),
        "vet": (
            ("netaudit vet", "list the pins"),
            ("netaudit vet site-remediations.yaml --who 'A. Person'", "pin a reviewed file"),
            ("netaudit vet --check site-remediations.yaml", "in CI: is it pinned as it is?"),
        ),
        "facts": (
            ("netaudit facts web01", "all that is known of one host"),
            ("netaudit facts web01 --from captures", "as it was collected earlier"),
        ),
        "collect": (
            ("netaudit collect -o captures", "keep raw answers of every host"),
            ("netaudit collect web --become -o captures-web", "of some, read as root"),
        ),
        "bundle": (
            ("netaudit bundle", "the probes of an audit, and one digest"),
            ("netaudit bundle --show > payload.sh", "the text itself"),
        ),
        "trust": (
            ("netaudit trust web", "show fingerprints, ask, record"),
            ("netaudit trust new17 --yes", "record without asking"),
        ),
        "probe": (
            ("netaudit probe list", "what is asked, and what it costs"),
            ("netaudit probe run sysctl web01", "what one of them prints there"),
        ),
        "probe list": (("netaudit probe list", "what is asked, and what it costs"),),
        "probe show": (("netaudit probe show sysctl", "its text, ready to be run by hand"),),
        "probe run": (("netaudit probe run softnet web", "what it prints on every web host"),),
        "check": (
            ("netaudit check list -b web-edge", "the checks of a baseline"),
            ("netaudit check show tcp.accept_queue.somaxconn", "why, how derived, the fix, its risk"),
        ),
        "check list": (("netaudit check list -b nat-gateway", "the checks of a baseline"),),
        "check show": (
            ("netaudit check show ct.max", "one check explained"),
            ("netaudit check show ct.max --host gw01", "with the numbers of a host"),
        ),
        "baseline": (
            ("netaudit baseline lint site.yaml", "everything that is wrong with it"),
            ("netaudit baseline show web-edge", "extends and overrides applied"),
            ("netaudit baseline from-sysctl /etc/sysctl.d/60-site.conf", "make one"),
        ),
        "baseline lint": (("netaudit baseline lint site.yaml", "everything that is wrong with it"),),
        "baseline show": (
            ("netaudit baseline show web-edge", "extends and overrides applied"),
            ("netaudit baseline show site.yaml --host web01", "as it is for one host"),
        ),
        "baseline from-sysctl": (("netaudit baseline from-sysctl /etc/sysctl.d/60-site.conf", "on standard output"),),
        "inventory": (
            ("netaudit inventory graph", "the tree of groups and hosts"),
            ("netaudit inventory hosts 'web:!web03'", "whom a pattern means"),
        ),
        "inventory list": (("netaudit inventory list -i hosts.yaml", "as ansible-inventory --list"),),
        "inventory graph": (("netaudit inventory graph web", "the tree below one group"),),
        "inventory hosts": (("netaudit inventory hosts 'web:&prod'", "a host a line"),),
        "inventory host": (("netaudit inventory host web01", "the variables of one host"),),
        "run": (
            ("netaudit run playbooks/audit.yaml", "several audits, each with its baseline"),
            ("netaudit run playbooks/audit.yaml -l web -o html=run.html", "some hosts, one page"),
        ),
        "rollback": (
            ("netaudit rollback last", "undo what the last run changed"),
            ("netaudit rollback 20261120-150000-3f2a web01", "on one of its hosts"),
        ),
        "resume": (("netaudit resume last", "what does each host have? finish or undo"),),
        "history": (
            ("netaudit history", "the last runs"),
            ("netaudit history --host 'web*' --since 7d", "those that know of some hosts"),
            ("netaudit history --check tcp.accept_queue.somaxconn", "since when it fails, and where"),
            ("netaudit history prune --keep 90d", "forget older runs"),
        ),
        "history prune": (("netaudit history prune --keep 90d --dry-run", "what would be forgotten"),),
        "history export": (("netaudit history export last run.gz --anonymous", "for a colleague elsewhere"),),
        "history import": (("netaudit history import run.gz", "take such a file in"),),
        "show": (
            ("netaudit show last", "the last run again, with the age of each finding"),
            ("netaudit show 3f2a -o json", "by the end of its id, as JSON"),
        ),
        "diff": (
            ("netaudit diff 20261119-150000-77aa", "what has changed from it to the last run"),
            ("netaudit diff 77aa 3f2a -o html=drift.html", "between two, as a page"),
        ),
        "report": (
            ("netaudit report last -o html=fleet.html", "a page for people"),
            ("netaudit report last -o junit=ci.xml -o sarif=ci.sarif", "for CI"),
        ),
        "lab": (
            ("netaudit lab up --hosts 12", "real sshd hosts, some of them broken"),
            ("netaudit lab break web01 accept-queue-full --for 30s", "lose packets on purpose"),
            ("netaudit lab down", "nothing is left"),
        ),
        "lab up": (("netaudit lab up --hosts 6 --dir /tmp/lab", "a small fleet in a place of its own"),),
        "lab status": (("netaudit lab status", "what of it is there"),),
        "lab down": (("netaudit lab down --dir /tmp/lab", "remove all of it"),),
        "lab causes": (("netaudit lab causes", "what can be done to a host"),),
        "lab break": (("netaudit lab break web01 accept-queue-full --for 30s", "then it is as it was"),),
        "config": (("netaudit config show", "every setting, and where it comes from"),),
        "config show": (
            ("netaudit config show", "every setting, and where it comes from"),
            ("NETAUDIT_FORKS=8 netaudit config show fix", "what `fix` would use"),
        ),
        "completion": (
            ("netaudit completion bash > ~/.local/share/bash-completion/completions/netaudit", "bash"),
            ("netaudit completion zsh > ~/.zfunc/_netaudit", "zsh; ~/.zfunc is in $fpath"),
            ("netaudit completion fish > ~/.config/fish/completions/netaudit.fish", "fish"),
        ),
        "doctor": (
            ("netaudit doctor", "limits, keys, agent, known_hosts, versions"),
            ("netaudit doctor -i hosts.yaml", "and whether those hosts can be reached from here"),
        ),
    }
)


def epilog(name: str, columns: int) -> str:
    """The examples of a command as the end of its help: explanations beside the lines if there is room, else above."""
    found = EXAMPLES.get(name, ())
    if not found:
        return ""
    room = max(len(line) for line, _ in found) + 2
    if all(2 + room + len(meaning) + 2 <= columns for _, meaning in found):
        return "\n".join(["examples:", *(f"  {line:<{room}}# {meaning}" for line, meaning in found)]) + "\n"
    rows = []
    for line, meaning in found:
        rows += [f"  # {meaning}", *([f"  {line}"] if len(line) + 2 <= columns else _broken(line, columns))]
    return "\n".join(["examples:", *rows]) + "\n"


def _broken(line: str, columns: int) -> list[str]:
    """A long command in two or more lines, as a shell takes it."""
    rows, row = [], "  "
    for word in line.split(" "):
        if len(row) + len(word) + 3 > columns and row.strip():
            rows.append(f"{row.rstrip()} \\")
            row = "      "
        row += f"{word} "
    return [*rows, row.rstrip()]
