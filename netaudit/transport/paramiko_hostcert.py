"""Host certificates, which paramiko carries but does not judge: OpenSSH, PROTOCOL.certkeys.

paramiko has checked that the server holds the key inside; here it is checked that a trusted authority has signed the
certificate, for a host, by this name, for this time.
"""

from __future__ import annotations

from dataclasses import dataclass

import paramiko
from paramiko.pkey import UnknownKeyType

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hostkeys import HostKeys, HostPlace, KnownHosts, unknown_authority
from netaudit.transport.hosttext import one_line
from netaudit.transport.known_hosts import blob_type
from netaudit.transport.wildcard import matches

_HOST = 2  # SSH_CERT_TYPE_HOST
_SUFFIX = "-cert-v01@openssh.com"
_KEY_FIELDS = {"ssh-rsa": 2, "ssh-ed25519": 1}  # else an ECDSA key: the curve and the point
_SIGNATURES = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-256",
        "rsa-sha2-512",
    }
)


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """One certificate. Times are seconds since 1970."""

    key: bytes  # the host's own, in wire format
    kind: int
    principals: tuple[str, ...]  # empty: any
    valid_after: int
    valid_before: int
    critical_options: bytes
    authority: bytes  # its key in wire format
    signed: bytes
    signature: bytes


def parse_certificate(blob: bytes) -> HostCertificate:
    """The certificate in wire format. Raises ValueError when it is none."""
    message = paramiko.Message(blob)
    kind = _text(message.get_binary())
    if not kind.endswith(_SUFFIX):
        raise ValueError(f"{one_line(kind, 60)} is no certificate")
    plain = kind.removesuffix(_SUFFIX)
    message.get_binary()  # a nonce
    key = paramiko.Message()
    key.add_string(plain)
    for _ in range(_KEY_FIELDS.get(plain, 2)):
        key.add_string(message.get_binary())
    message.get_int64()  # a serial number
    certified, _ = message.get_int(), message.get_binary()
    principals = _strings(message.get_binary())
    after, before = message.get_int64(), message.get_int64()
    critical, _extensions, _reserved = message.get_binary(), message.get_binary(), message.get_binary()
    authority = message.get_binary()
    signed = message.get_so_far()
    return HostCertificate(
        key.asbytes(), certified, principals, after, before, critical, authority, signed, message.get_binary()
    )


def check_certificate(blob: bytes, place: HostPlace, judge: HostKeys, known: KnownHosts, now_s: float) -> None:
    """Return when the certificate vouches for the host. Raises WorldError when not."""
    try:
        certificate = parse_certificate(blob)
        blob_type(certificate.authority)
    except (ValueError, IndexError) as error:
        raise _refused(f"it cannot be read ({one_line(str(error), 60)})") from error
    if not judge.trusts_authority(place, certificate.authority, known):
        raise unknown_authority(place, certificate.authority)
    judge.refuse_revoked(place, certificate.key, known)
    name = (place.alias or place.host).lower()
    if not _is_signed(certificate):
        raise _refused("its signature is not the authority's")
    if certificate.kind != _HOST:
        raise _refused("it is one of a user")
    if not certificate.valid_after <= now_s < certificate.valid_before:
        raise _refused("its time has not come or is over")
    if certificate.principals and not any(matches(name, principal.lower()) for principal in certificate.principals):
        raise _refused(f"it is for {one_line(', '.join(certificate.principals), 60)}")
    if certificate.critical_options:
        raise _refused("it has critical options, and none are known for hosts")


def _is_signed(certificate: HostCertificate) -> bool:
    signature = paramiko.Message(certificate.signature)
    if _text(signature.get_binary()) not in _SIGNATURES:
        return False
    signature.rewind()
    try:
        authority = paramiko.PKey.from_type_string(blob_type(certificate.authority), certificate.authority)
        return bool(authority.verify_ssh_sig(certificate.signed, signature))
    except (paramiko.SSHException, UnknownKeyType, ValueError, IndexError):
        return False


def _refused(why: str) -> WorldError:
    return WorldError(
        ErrorKind.HOST_KEY_MISMATCH,
        f"the host's certificate does not hold: {why}",
        phase=Phase.KEY_EXCHANGE,
        hint="compare with ssh-keygen -L -f on the host's certificate",
    )


def _strings(packed: bytes) -> tuple[str, ...]:
    message, found = paramiko.Message(packed), []
    while message.get_remainder():
        found.append(_text(message.get_binary()))
    return tuple(found)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
