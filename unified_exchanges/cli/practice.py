"""A simulated venue on loopback for as long as it is needed, with its key in a file."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from ..errors import BadRequest
from ..registry import folder
from ..simulator.sandbox import Sandbox
from ..simulator.server import SimulatorServer
from .session import described

__all__ = ["Practice", "practice"]


@attrs.frozen(kw_only=True)
class Practice:
    """Where a simulated venue listens, and how to sign in."""

    venue: str
    name: str
    url: str
    seed: int
    api_key: str
    private_key_path: str
    exports: dict[str, str]
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def account(self) -> dict[str, Any]:
        """Arguments of an exchange that make it the account's, at this place."""
        return {
            "environment": self.url,
            "api_key": self.api_key,
            "private_key": self.private_key_path,
            **self.arguments,
        }


@contextmanager
def practice(
    venue: str,
    *,
    seed: int,
    port: int = 0,
    key_type: str | None = None,
    lively: bool = False,
    history: bool = False,
) -> Generator[Practice, None, None]:
    """Serve a venue's simulated exchange; its key file is deleted at the end."""
    sandbox: Sandbox = folder(venue, "simulated").simulated(
        seed=seed, key_type=key_type, lively=lively, history=history
    )
    with (
        TemporaryDirectory(prefix="unified-exchanges-") as directory,
        _serving(sandbox, port) as url,
    ):
        path = Path(directory) / "private-key.pem"
        _keep(path, sandbox.private_key)
        yield Practice(
            venue=venue,
            name=described(venue).name,
            url=url,
            seed=seed,
            api_key=sandbox.api_key,
            arguments=sandbox.arguments,
            private_key_path=str(path),
            exports={
                sandbox.key_variable: sandbox.api_key,
                sandbox.path_variable: str(path),
                **sandbox.variables,
                "UNIFIED_EXCHANGES_VENUE": venue,
                "UNIFIED_EXCHANGES_ENVIRONMENT": url,
            },
        )


@contextmanager
def _serving(sandbox: Sandbox, port: int) -> Generator[str, None, None]:
    """The base URL of the venue while it is served."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(SimulatorServer(sandbox.venue, port=port))
        except OSError as error:
            message = f"port {port} cannot be used: {error.strerror}; try --port 0"
            raise BadRequest(message) from error
        yield server.url + sandbox.path


def _keep(path: Path, private_key: str) -> None:
    """Write a key so that it was never readable by others."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(private_key)
