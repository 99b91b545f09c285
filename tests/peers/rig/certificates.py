"""Certificates good and bad, by an authority of its own that lives as long as the folder.

Not here: serving them. Invariants: nothing here is trusted by the system; a leaf is for `localhost`, `good.parity`
and the loopback addresses unless its row says otherwise.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
HERE = ["localhost", "good.parity", "127.0.0.1", "::1"]


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class Authority:
    """A root, or what a root vouches for."""

    def __init__(self, name, parent=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        issuer = parent or self
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = self._builder(self.name, issuer.name, self.key, NOW - 400 * DAY, NOW + 400 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        self.pem = _pem(builder.sign(issuer.key, hashes.SHA256()))

    @staticmethod
    def _builder(subject, issuer, key, start, end):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)

    def leaf(self, names=HERE, start=-30, end=90, key=None, alternative=True, client=False, own=False):
        """A certificate and its key in PEM; `own` lets it vouch for itself."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        issuer, signer = (subject, key) if own else (self.name, self.key)
        builder = self._builder(subject, issuer, key, NOW + start * DAY, NOW + end * DAY)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        return _pem(builder.sign(signer, hashes.SHA256())), _key_pem(key)


class Chains:
    """One file with chain and key for each way of being right or wrong."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.root, stranger = Authority("Parity Root"), Authority("Unknown Root")
        middle = Authority("Parity Intermediate", self.root)
        leaf, key = middle.leaf()
        self.ca = self._write("ca.pem", self.root.pem)
        self.good = self._write("good.pem", leaf + middle.pem + key)
        self.no_intermediate = self._write("no-intermediate.pem", leaf + key)
        direct = {
            "expired": self.root.leaf(start=-30, end=-1),
            "not_yet": self.root.leaf(start=1, end=30),
            "self_signed": self.root.leaf(own=True),
            "untrusted": stranger.leaf(),
            "wrong_name": self.root.leaf(["elsewhere.parity"]),
            "no_names": self.root.leaf(alternative=False),
            "wildcard": self.root.leaf(["*.sites.parity"]),
            "for_clients": self.root.leaf(client=True),
            "rsa": self.root.leaf(key=rsa.generate_private_key(65537, 2048)),
            "rsa_1024": self.root.leaf(key=rsa.generate_private_key(65537, 1024)),
            "soon": self.root.leaf(end=3),
        }
        for name, (certificate, key) in direct.items():
            setattr(self, name, self._write(f"{name}.pem", certificate + key))
        certificate, key = self.root.leaf(["operator"], client=True)
        self.client_pem, self.client_key_pem = certificate, key
        self.client = self._write("client.pem", certificate)
        self.client_key = self._write("client-key.pem", key)

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="ascii")
        path.chmod(0o644)
        return str(path)

    def ca_pem(self):
        return self.root.pem

    def context(self, chain, newest=None, oldest=None, alpn=None, clients=False):
        """A server's side of TLS with that chain."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = oldest or ssl.TLSVersion.TLSv1_2
        if newest:
            context.maximum_version = newest
        context.load_cert_chain(chain)
        if alpn:
            context.set_alpn_protocols(alpn)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context
