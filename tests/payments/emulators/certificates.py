"""An authority of tests, and certificates of it: good ones, and each kind of bad one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.payments.emulators.loopback import BEGINNING

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NAME = "messageverificationcerts.paypal.com"


@dataclass(frozen=True)
class Certified:
    """A certificate, what is above it, and its key."""

    key: Key
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        chain = (self.certificate, *self.above)
        return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


@cache
def rsa_key(which: str) -> rsa.RSAPrivateKey:
    """Made once for each name: that takes a while."""
    assert which
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def authority(name: str = "Example Root") -> Certified:
    key = rsa_key(name)
    return Certified(key, _signed(name, key, name, key, is_authority=True))


@cache
def between(name: str = "Example Intermediate") -> Certified:
    root, key = authority(), rsa_key(name)
    assert isinstance(root.key, rsa.RSAPrivateKey)
    certificate = _signed(name, key, "Example Root", root.key, is_authority=True)
    return Certified(key, certificate)


@cache
def by_itself(name: str = "Strange Root") -> Certified:
    """Signed by nobody above it."""
    key = rsa_key(name)
    names = (name,) if "." in name else ()
    return Certified(key, _signed(name, key, name, key, names=names, is_authority=not names))


def certified(
    *names: str,
    by: Certified | None = None,
    key: Key | None = None,
    begins: datetime = BEGINNING - timedelta(days=30),
    ends: datetime = BEGINNING + timedelta(days=365),
) -> Certified:
    """A certificate for `names`, by the authority or by one in between."""
    by = by or authority()
    key = key or rsa_key("leaf")
    issuer = by.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert isinstance(issuer, str)
    assert isinstance(by.key, rsa.RSAPrivateKey)
    made = _signed(
        names[0] if names else NAME, key, issuer, by.key, names=names, begins=begins, ends=ends
    )
    is_root = by.certificate.issuer == by.certificate.subject
    return Certified(key, made, () if is_root else (by.certificate,))


def _signed(
    name: str,
    key: Key,
    issuer: str,
    issuer_key: rsa.RSAPrivateKey,
    *,
    names: tuple[str, ...] = (),
    is_authority: bool = False,
    begins: datetime = BEGINNING - timedelta(days=3650),
    ends: datetime = BEGINNING + timedelta(days=3650),
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    public, above = key.public_key(), issuer_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False)
    )
    if not is_authority:
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server, critical=False)
    if names:
        known = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(known, critical=False)
    return builder.sign(issuer_key, SHA256())
