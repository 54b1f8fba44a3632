"""Certificates of the tests' own, made anew in each run."""
import ipaddress
import ssl
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text):
    kind, _, value = text.partition(":")
    return x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)


class Authority:
    """A certificate authority; its certificates and keys are PEM files in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._key = ec.generate_private_key(ec.SECP256R1())
        extensions = [(x509.BasicConstraints(ca=True, path_length=0), True)]
        self._write(self.certificate, self.key, self._key, self._signed(name, self._key, extensions))

    def issue(self, name, *names, days=(-1, 2)):
        """The paths of a certificate and its key: of a server with these names (`DNS:localhost`, `IP:127.0.0.1`), or of
        a client without any. It holds from the first to the second of the days, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        if names:
            extensions = [(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)]
        else:
            extensions = [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)]
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._write(*paths, key, self._signed(name, key, extensions, days))
        return paths

    def context(self, name, *names, **options):
        """A server's side of TLS with a certificate of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name, *names, **options))
        return context

    def _signed(self, name, key, extensions, days=(-1, 2)):
        now = datetime.now(timezone.utc)
        builder = x509.CertificateBuilder(
            _name(self.name), _name(name), key.public_key(), x509.random_serial_number(),
            *(now + timedelta(days=day) for day in days))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(certificate, path, key, signed):
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        path.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        path.chmod(0o600)
