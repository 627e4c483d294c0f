"""A signed Polymarket order, beside the hashes and the signature that it consists of.

The floor of each way hashes ready texts of the same lengths and signs a ready digest, with
the same functions: the fast way's are pycryptodome's and coincurve's, the base's are our
Keccak-256 and `cryptography` with our recovery of who signed.  Ours also writes the struct,
and the id and the signature as text.  Two more rows tell what the base's parts cost:
`cryptography`'s signature alone, which does not say who signed, and the hashes alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.models import BUY
from unified_exchanges.venues.polymarket import curve, signing
from unified_exchanges.venues.polymarket.amounts import amounts_of
from unified_exchanges.venues.polymarket.contracts import POLYGON, exchange_domain

# The first development key of Hardhat and Anvil, known to all.
SECRET = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80
WALLET = "0x1111111111111111111111111111111111111111"
ASSET = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
MOMENT = 1_713_398_400_000
# Prices of a cent's grid come again; a size hardly ever does.
PRICES = [Decimal(cents).scaleb(-2) for cents in range(1, 100)]
SIZES = [Decimal(lots).scaleb(-2) for lots in range(500, 100_500)]
STRUCT, WRAPPER, DIGEST = bytes(range(192)) * 2, bytes(224), bytes(range(66))
FLOOR = "keccak + secp256k1"
OURS = "signed order"


def floor(key: curve.Key, *, wrapped: bool) -> Callable[[], object]:
    """The hashes and the signature of one order, and nothing else."""

    def plain() -> None:
        key.hash(STRUCT)
        key.sign(key.hash(DIGEST))

    def deposit() -> None:
        key.hash(STRUCT)
        key.hash(DIGEST)
        key.hash(WRAPPER)
        key.sign(key.hash(DIGEST))

    return deposit if wrapped else plain


def ours(key: curve.Key, kind: signing.SignatureType) -> Callable[[], object]:
    """One order, from price and size to id and signature."""
    signer = signing.Signer(key, signing.Wallet(WALLET, kind), POLYGON.id)
    prices, sizes = cycle(PRICES), cycle(SIZES)
    salts = iter(range(1 << 40, 1 << 41))

    def work() -> signing.SignedOrder:
        return signer.order(
            exchange_domain(POLYGON, ASSET, neg_risk=False),
            BUY,
            ASSET,
            amounts_of(BUY, next(prices), next(sizes)),
            salt=next(salts),
            timestamp_ms=MOMENT,
        )

    assert len(work().order_id) == 66
    return work


def bare(key: curve.Key) -> dict[str, Callable[[], object]]:
    """The parts of the base's floor."""
    secret = ec.derive_private_key(SECRET, ec.SECP256K1())
    algorithm = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)

    def hashes() -> None:
        key.hash(STRUCT)
        key.hash(DIGEST)

    return {
        "cryptography sign": lambda: secret.sign(bytes(range(32)), algorithm),
        "hashes alone": hashes,
    }


def repeated(work: Callable[[], object], count: int) -> Callable[[], None]:
    """One round of the same work."""

    def run() -> None:
        for _ in range(count):
            work()

    return run


def measure(way: curve.Way, count: int, rounds: int) -> list[Goal]:
    """Time both kinds of order in one way of signing."""
    key = curve.key_maker(way)(SECRET.to_bytes(32, "big"))
    goals = []
    for name, kind in (
        ("plain", signing.SignatureType.SAFE),
        ("wrapped", signing.SignatureType.DEPOSIT_WALLET),
    ):
        works = {FLOOR: floor(key, wrapped=name == "wrapped"), OURS: ours(key, kind)}
        if way == "base" and name == "plain":
            works |= bare(key)
        times = interleave(
            {title: repeated(work, count) for title, work in works.items()},
            rounds,
            clock=time.process_time,
        )
        report(f"{name} order, {way}", times, FLOOR, per=count, unit="order")
        print(f"  {count / min(times[OURS]):,.0f} orders/s at best")
        goals.append(Goal(f"{name} order, {way}", ratio(times, OURS, FLOOR), 1.2))
    return goals


def main() -> None:
    """Measure both ways; fail if a goal is missed."""
    options = arguments(__doc__)
    # A signature is short and the machine is not quiet: more rounds than others.
    rounds = options.rounds * 3
    goals = measure("base", 50, rounds) + measure("fast", 1_000, rounds)
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
