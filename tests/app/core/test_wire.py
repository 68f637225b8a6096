"""TLS on the outbound road: a server of our own with a certificate of our own making; the roots are the test's."""

import ipaddress
import socket
import ssl
import threading
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import clock, egress, http, wire
from app.core.errors import NotSent
from app.core.http import Call
from tests.support.outbound import admit

NAME = "service.example"


def certificate(folder, *names):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Server:
    """Answers each connection once; remembers the SNI and what it was sent."""

    def __init__(self, folder, names) -> None:
        certificate(folder, *names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.names, self.requests = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(connection, server_side=True) as secured:
                    self.requests.append(secured.recv(65536))
                    secured.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                connection.close()

    def stop(self):
        self.listener.close()


@pytest.fixture
def trusting(monkeypatch, tmp_path):
    """The policy's own context, with the test's root instead of the bundle."""

    def context():
        monkeypatch.setattr(wire.certifi, "where", lambda: str(tmp_path / "cert.pem"))
        wire.tls.cache_clear()
        return wire.tls()

    yield context
    monkeypatch.undo()
    wire.tls.cache_clear()


@pytest.fixture
def serve(monkeypatch, tmp_path, trusting):
    servers = []

    def make(*names, trusted=True):
        server = Server(tmp_path, names)
        servers.append(server)
        admit(monkeypatch, f"{NAME}:{server.port}")
        monkeypatch.setattr(egress, "look_up", lambda _host, port: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
        if trusted:
            trusting()
        return server

    yield make
    for server in servers:
        server.stop()
    http.forget()


def test_the_name_is_in_sni_and_host_while_the_address_is_the_checked_one(serve):
    server = serve(NAME)
    assert http.send(Call("GET", f"https://{NAME}:{server.port}/x")).body == b"ok"
    assert server.names == [NAME]
    assert f"Host: {NAME}:{server.port}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("names", [("other.example",), ("127.0.0.1",), ("*.service.example",)])
def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(serve, names):
    server = serve(*names)
    with pytest.raises(NotSent, match="tls"):
        http.send(Call("POST", f"https://{NAME}:{server.port}/", body=b"secret"))
    assert not any(b"secret" in request for request in server.requests)


def test_a_certificate_of_an_unknown_root_is_refused(serve):
    server = serve(NAME, trusted=False)
    with pytest.raises(NotSent, match="tls"):
        http.send(Call("POST", f"https://{NAME}:{server.port}/", body=b"secret"))
    assert not any(b"secret" in request for request in server.requests)


def test_old_protocols_are_not_spoken():
    assert wire.tls().minimum_version == ssl.TLSVersion.TLSv1_2
