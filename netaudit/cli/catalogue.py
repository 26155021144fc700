"""The commands: which module each is, what it does, and what it is for. Nothing is imported for it."""

# command -> (module under netaudit.cli.commands, what it does). The order is that of `netaudit --help`.
COMMANDS = {
    "audit": ("audit", "what is wrong with hosts, why it matters, what would fix it"),
    "capacity": ("capacity", "will the hosts carry a declared load, and what breaks first"),
    "diagnose": ("diagnose", "where packets and connections are lost now, and why"),
    "outliers": ("outliers", "hosts that differ from the majority of their group"),
    "watch": ("watch", "audit again and again over open connections, and tell what changes"),
    "plan": ("plan", "what would be changed on which host; changes nothing"),
    "fix": ("fix", "the guarded remediation: plan, approve, canary, batches, confirm"),
    "vet": ("vet", "pin reviewed remediations, or list the pins"),
    "facts": ("facts", "the collected facts of one host, as JSON"),
    "collect": ("collect", "the raw captures alone, to evaluate later or elsewhere"),
    "bundle": ("bundle", "exactly the text that would run on a host, and its digest"),
    "trust": ("trust", "record host keys after showing their fingerprints"),
    "probe": ("probe", "list, show or run the probes"),
    "check": ("check", "list the checks of a baseline, or explain one"),
    "baseline": ("baseline", "lint a baseline, show it resolved, or make one from a sysctl.conf"),
    "inventory": ("inventory", "list, graph, hosts, host: what the inventory says"),
    "run": ("run", "the plays of a playbook, in order"),
    "rollback": ("rollback", "undo a run, on all or some of its hosts"),
    "resume": ("resume", "after a crash: what has each host really got; finish or undo"),
    "history": ("history", "past runs"),
    "show": ("show", "one past run"),
    "diff": ("diff", "what changed between two past runs: findings, settings, hosts"),
    "report": ("report", "any report of a past run: html, junit, sarif, csv, …"),
    "lab": ("lab", "a fleet of real sshd hosts in network namespaces on this machine"),
    "doctor": ("doctor", "can this controller do its work"),
    "config": ("config", "every setting, and where it comes from"),
    "completion": ("completion", "the completion script of a shell: bash, zsh, fish"),
}

# What the commands are for: how `netaudit --help` groups them.
PURPOSES = {
    "read hosts": ("audit", "outliers", "watch", "facts", "collect"),
    "before a launch, during an incident": ("capacity", "diagnose"),
    "change hosts, under guard": ("plan", "fix", "rollback", "resume", "vet", "run"),
    "past runs": ("history", "show", "diff", "report"),
    "what is asked and expected": ("check", "baseline", "probe", "bundle"),
    "set-up": ("inventory", "trust", "doctor", "lab", "config", "completion"),
}
