"""The asyncssh options of a connection: everything that the library would otherwise take from defaults of its own.

The library reads ~/.ssh/config, forwards agents, sends environment variables and inflates packets unless told not to.
None of that is wanted. One object holds what all connections share; what differs is laid over it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from netaudit.transport.hostkeys import HostPlace, KnownHosts
from netaudit.transport.resolved import Resolved

WINDOW_BYTES = 2**18  # bounds what one channel can have unread
KEEPALIVE_S, KEEPALIVES = 5, 3  # a dead connection is noticed after interval x (count + 1), 20 s

# OpenSSH's own order of preference, without the signatures over SHA-1 that it has given up too.
_HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
# All of the library's ciphers, AES-GCM first: it costs one call a packet, ChaCha20-Poly1305 four.
# That is a fifth of what a host costs the controller.
_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
_NAME_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")  # as getpass.getuser looks at them
_SPOKEN_HOST_KEYS = frozenset(name.decode() for name in [*get_public_key_algs(), *get_certificate_algs()])
_SPOKEN = {
    "ciphers": ("encryption_algs", frozenset(name.decode() for name in get_encryption_algs())),
    "macs": ("mac_algs", frozenset(name.decode() for name in get_mac_algs())),
    "kexalgorithms": ("kex_algs", frozenset(name.decode() for name in get_kex_algs())),
}


def shared_options(user: str) -> asyncssh.SSHClientConnectionOptions:
    """What holds for every connection of a run. ``user`` only spares the library from looking for one.

    For each connection it asks for the name of whoever runs this, which it then does not use. Where no variable has it
    that takes a look into the password database, and fails for want of a descriptor or of an entry there.
    """
    if not any(os.environ.get(name) for name in _NAME_VARIABLES):
        os.environ["LOGNAME"] = user
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        username=user,
        known_hosts=([], [], []),
        client_keys=None,
        agent_path=None,
        agent_forwarding=False,
        x11_forwarding=False,
        send_env=[],
        env={},
        host_based_auth=False,
        gss_host=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        encryption_algs=_CIPHERS,
        compression_algs=["none"],
        encoding=None,
        window=WINDOW_BYTES,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=KEEPALIVES,
        tcp_keepalive=True,
        login_timeout=0,
        utf8_decode_errors="replace",
    )


def host_key_algorithms(place: HostPlace, known: KnownHosts, wanted: Sequence[str] = ()) -> list[str]:
    """The algorithms to offer for the host's key: those of keys that are stored for it come first.

    Asked for in another order a server shows another of its keys, and a known host would look unknown. Certificates are
    asked for only where an authority is known. ``wanted`` is HostKeyAlgorithms of ssh_config(5) and decides alone.
    """
    if wanted:
        return [name for name in wanted if name in _SPOKEN_HOST_KEYS]
    certified = known.authorities(place)
    return order_algorithms(known.key_types(place), certified=bool(certified))


def order_algorithms(first: Iterable[str], *, certified: bool) -> list[str]:
    """All algorithms that are offered, those of some key types first, and before them those of certificates."""
    stored = [name for kind in first for name in (_RSA_SIGNATURES if kind == "ssh-rsa" else (kind,))]
    plain = dict.fromkeys([*(name for name in stored if name in _HOST_KEY_ALGORITHMS), *_HOST_KEY_ALGORITHMS])
    certificates = [_certificate_name(name) for name in _HOST_KEY_ALGORITHMS] if certified else []
    return [name for name in [*certificates, *plain] if name in _SPOKEN_HOST_KEYS]


def _certificate_name(algorithm: str) -> str:
    return f"{algorithm.removesuffix('@openssh.com')}-cert-v01@openssh.com"


def chosen_algorithms(resolved: Resolved) -> dict[str, list[str]]:
    """Ciphers, MACs and key exchanges as ssh_config(5) limits them, as far as the library speaks them."""
    chosen: dict[str, list[str]] = {}
    for keyword, names in resolved.algorithms:
        option, spoken = _SPOKEN[keyword]
        if fitting := [name for name in names if name in spoken]:
            chosen[option] = fitting
    return chosen


def login_methods(resolved: Resolved, *, keys: bool, password: bool) -> list[str]:
    """The methods to log in with, in order: only those that there is something for."""
    able = {"publickey": keys, "keyboard-interactive": password, "password": password}
    order = resolved.preferred_auth or tuple(able)
    return [name for name in order if able.get(name) and name not in resolved.refused_auth]
