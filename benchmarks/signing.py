"""The headers of a signed request, beside `cryptography`'s signature of the same text.

The floor signs ready bytes with a prepared key and nothing else.  Ours also writes the
text, the Base64 and the three headers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.venues.kalshi import credentials

MOMENT = 1_781_159_364_112
PATH = "/trade-api/v2/portfolio/events/orders"
TEXT = f"{MOMENT}POST{PATH}".encode()
FLOOR = "cryptography sign"
OURS = "signed headers"


def rsa_2048() -> tuple[Callable[[], object], bytes]:
    """The floor of RSA, and the PEM of its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    digest = hashes.SHA256()
    pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
    return lambda: key.sign(TEXT, pss, digest), pem(key)


def ed_25519() -> tuple[Callable[[], object], bytes]:
    """The floor of Ed25519, and the PEM of its key."""
    key = ed25519.Ed25519PrivateKey.generate()
    return lambda: key.sign(TEXT), pem(key)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """The key as it would lie in a file."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def repeated(work: Callable[[], object], count: int) -> Callable[[], None]:
    """One round of the same work."""

    def run() -> None:
        for _ in range(count):
            work()

    return run


def measure(
    make: Callable[[], tuple[Callable[[], object], bytes]], count: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of rounds of ``count`` signatures, by the floor and by us."""
    floor, key = make()
    mine = credentials.load("bench", key.decode(), None, {})
    assert mine is not None
    assert len(mine.headers(MOMENT, "POST", PATH)) == 3
    return interleave(
        {
            FLOOR: repeated(floor, count),
            OURS: repeated(lambda: mine.headers(MOMENT, "POST", PATH), count),
        },
        rounds,
        clock=time.process_time,
    )


def main() -> None:
    """Measure both kinds of key; fail if a goal is missed."""
    options = arguments(__doc__)
    goals = []
    for name, make, count in (
        ("RSA-2048", rsa_2048, 200),
        ("Ed25519", ed_25519, 2_000),
    ):
        # A signature is short and the machine is not quiet: more rounds than others.
        times = measure(make, count, options.rounds * 3)
        report(f"{name} request headers", times, FLOOR, per=count, unit="request")
        goals.append(Goal(f"{name} headers", ratio(times, OURS, FLOOR), 1.05))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
