"""Both transports behind one blocking face, certificates, and a clean environment."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from unified_exchanges.flow import Request, Response
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from .rawserver import Behaviour, RawServer


class Client(Protocol):
    """A transport of either flavour."""

    def send(self, request: Request) -> Response: ...

    def sleep(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class Awaited:
    """The async transport, awaited on a loop of its own."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.transport = AioTransport()

    def send(self, request: Request) -> Response:
        return self._runner.run(self.transport.send(request))

    def sleep(self, seconds: float) -> None:
        self._runner.run(self.transport.sleep(seconds))

    def close(self) -> None:
        self._runner.run(self.transport.close())

    def end(self) -> None:
        self._runner.close()


@pytest.fixture(params=["blocking", "aio"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    made = BlockingTransport() if request.param == "blocking" else Awaited()
    yield made
    made.close()
    if isinstance(made, Awaited):
        made.end()


@pytest.fixture
def serve() -> Iterator[Server]:
    with ExitStack() as stack:
        yield lambda behaviour, tls=None: stack.enter_context(RawServer(behaviour, tls))


class Server(Protocol):
    """Starts a server that lives as long as the test."""

    def __call__(
        self, behaviour: Behaviour, tls: ssl.SSLContext | None = None
    ) -> RawServer: ...


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith(("_proxy", "_ca_bundle", "ssl_cert_file")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate of this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.DNSName("venue.test"),
    ]
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = signed.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(scope="session")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
