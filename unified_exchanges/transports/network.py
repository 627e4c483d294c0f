"""What the machine says about the network: proxies and trusted certificates.

Both transports ask here, so that they leave by the same door.  Verification of
certificates cannot be turned off; the environment may only say whom to trust.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

from ..errors import BadRequest

__all__ = ["is_address", "proxy_for", "trust"]

_ROOTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Find the proxy that the environment names for a host, or None.

    ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are read; this
    machine itself is never reached through a proxy.
    """
    if host == "localhost" or (is_address(host) and ip_address(host).is_loopback):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_address(host: str) -> bool:
    """Tell an IP address from a name that has to be looked up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def trust() -> ssl.SSLContext:
    """Get the TLS settings: certificates and host names are always verified.

    Trusted are the roots in the file that ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE`` or
    ``SSL_CERT_FILE`` names; without one, those of the system and of certifi.
    """
    for name in _ROOTS:
        if path := os.environ.get(name):
            return _trust_file(name, path)
    return _trust_defaults()


@lru_cache(maxsize=4)
def _trust_file(name: str, path: str) -> ssl.SSLContext:
    failure = ""
    try:
        if os.path.isdir(path):  # noqa: PTH112 - text from the environment
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        failure = error.strerror or str(error)
    message = f"{name} names {path!r}, which holds no usable certificates: {failure}"
    raise BadRequest(message)


@lru_cache(maxsize=1)
def _trust_defaults() -> ssl.SSLContext:
    import certifi  # noqa: PLC0415 - reading the roots costs 30 ms, needed by TLS only

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
