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


class _Fields:
    """The fields of a packet, one after another; none may reach beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    @property
    def is_at_end(self) -> bool:
        return self.place == len(self._data)

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def string(self) -> bytes:
        return self._take(self.number(4))

    def _take(self, size: int) -> bytes:
        end = self.place + size
        if end > len(self._data):
            raise ValueError("a field is cut")
        self.place, start = end, self.place
        return self._data[start:end]


def parse_certificate(blob: bytes) -> HostCertificate:
    """The certificate in wire format. Raises ValueError when it is none."""
    fields = _Fields(blob)
    kind = _text(fields.string())
    if not kind.endswith(_SUFFIX):
        raise ValueError(f"{one_line(kind, 60)} is no certificate")
    plain = kind.removesuffix(_SUFFIX)
    fields.string()  # a nonce
    start = fields.place
    for _ in range(_KEY_FIELDS.get(plain, 2)):
        fields.string()
    key = len(plain).to_bytes(4, "big") + plain.encode() + blob[start : fields.place]
    fields.number(8)  # a serial number
    certified, _identity, principals = fields.number(4), fields.string(), _strings(fields.string())
    after, before = fields.number(8), fields.number(8)
    critical, _extensions, _reserved = fields.string(), fields.string(), fields.string()
    authority = fields.string()
    signed = blob[: fields.place]
    signature = fields.string()
    if not fields.is_at_end:
        raise ValueError("something follows the signature")
    return HostCertificate(key, certified, principals, after, before, critical, authority, signed, signature)


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
    try:
        fields = _Fields(certificate.signature)
        algorithm, _ = _text(fields.string()), fields.string()
        if algorithm not in _SIGNATURES or not fields.is_at_end:
            return False
        authority = paramiko.PKey.from_type_string(blob_type(certificate.authority), certificate.authority)
        return bool(authority.verify_ssh_sig(certificate.signed, paramiko.Message(certificate.signature)))
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
    fields, found = _Fields(packed), []
    while not fields.is_at_end:
        found.append(_text(fields.string()))
    return tuple(found)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
