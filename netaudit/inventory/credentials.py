"""The passwords that an inventory holds, apart from the targets they belong to.

They are never shown, stored or logged; whoever connects asks for those of one target.
"""

from __future__ import annotations

from collections.abc import Mapping

from netaudit.model.target import Credentials, Target

# Of several that are set, the last one counts, as with Ansible.
PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
BECOME_PASSWORD = ("ansible_become_password", "ansible_become_pass")
BECOME_PASSWORD_OF_METHOD = ("ansible_sudo_pass", "ansible_su_pass", "ansible_doas_pass")
PASSPHRASE = ("ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase")
PRIVATE_KEY = ("ansible_private_key", "ansible_ssh_private_key")
SECRET_NAMES = frozenset((*PASSWORD, *BECOME_PASSWORD, *BECOME_PASSWORD_OF_METHOD, *PASSPHRASE, *PRIVATE_KEY))


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds something that must not leave the inventory."""
    return name in SECRET_NAMES or (
        name.startswith("ansible_") and name.endswith(("_pass", "_password", "_passwd", "_passphrase", "_token"))
    )


class InventorySecrets:
    """Fits the port SecretSource: the credentials of each target, from its variables."""

    def __init__(self, known: Mapping[str, Credentials]) -> None:
        self._known = dict(known)

    def __repr__(self) -> str:
        return f"InventorySecrets({len(self._known)} hosts)"

    def for_target(self, target: Target) -> Credentials:
        """The secrets of one target; empty credentials when the inventory has none."""
        return self._known.get(target.name, Credentials())
