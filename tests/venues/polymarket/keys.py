"""Keys that were made for tests, and credentials with them; never fund their wallets."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.canary import WATCH
from unified_exchanges.settings import Settings
from unified_exchanges.venues.polymarket import credentials
from unified_exchanges.venues.polymarket.credentials import Credentials
from unified_exchanges.venues.polymarket.curve import Key, Way, key_maker

__all__ = [
    "ADDRESS",
    "API_KEY",
    "API_SECRET",
    "ASSET",
    "FUNDER",
    "PASSPHRASE",
    "SECRET",
    "SECRET_KEY",
    "WAYS",
    "key",
    "load",
    "loaded",
]

SECRET = sha256(b"unified_exchanges: a key for tests").digest()
SECRET_KEY = f"0x{SECRET.hex()}"
ADDRESS = "0x435B159C72a98628e32ada7530a4Bd7275475731"
FUNDER = "0x1111111111111111111111111111111111111111"
ASSET = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
API_KEY = "4d7f2a90-1c57-4a7e-9f57-2f1f6f0f6f11"
API_SECRET = "dGVzdHMgb25seTogYSBzZWNyZXQgb2YgMzIgYnl0ZXM="
PASSPHRASE = "5c1f0e9a7b3d4826a1c09f8e7d6b5a43"
WAYS: tuple[Way, ...] = ("base", "fast")

for _word in (SECRET_KEY, API_SECRET, PASSPHRASE):
    WATCH.forbid(_word)


def key(way: Way = "auto", secret: bytes = SECRET) -> Key:
    return key_maker(way)(secret)


def load(
    *, environ: dict[str, str] | None = None, chain_id: int = 137, **given: Any
) -> Credentials | None:
    return credentials.load(Settings(environ=environ or {}, **given), chain_id)


def loaded(*, way: Way = "auto", chain_id: int = 137, **options: Any) -> Credentials:
    """Credentials of the tests' key, with these options."""
    found = load(
        private_key=SECRET_KEY,
        chain_id=chain_id,
        options={"signing": way, **options},
    )
    assert found is not None
    return found
