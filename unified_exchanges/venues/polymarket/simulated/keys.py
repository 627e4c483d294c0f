"""API keys: made and found again by who signs, listed and ended by who has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .authentication import check_signer
from .errors import bad_request
from .routes import Call, Operation
from .wallets import ApiKey
from .wire import Payload

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]


def _signer(house: House, call: Call) -> tuple[str, int]:
    skew = house.settings.clock_skew
    return check_signer(call.headers, now_us=call.now_us, skew=skew)


def _told(key: ApiKey) -> Payload:
    return {
        "apiKey": key.key_id,
        "secret": key.secret,
        "passphrase": key.passphrase,
    }


def create_key(house: House, call: Call) -> Payload:
    """A key for an address and a nonce that have none."""
    key = house.members.key_of(*_signer(house, call))
    if key.key_id in house.keys:
        raise bad_request("Could not create api key")
    house.keys[key.key_id] = key
    return _told(key)


def derive_key(house: House, call: Call) -> Payload:
    """The key that was made for an address and a nonce."""
    key = house.members.key_of(*_signer(house, call))
    if key.key_id not in house.keys:
        raise bad_request("Could not derive api key!")
    return _told(key)


def list_keys(house: House, call: Call) -> Payload:
    """The keys of the address."""
    own = [k.key_id for k in house.keys.values() if k.address == call.key.address]
    return {"apiKeys": own}


def delete_key(house: House, call: Call) -> str:
    """End the key that signs."""
    house.members.revoke(call.key)
    return "OK"


def get_ban_status(house: House, call: Call) -> Payload:
    """Whether the address may only close positions."""
    own = [w for w in house.wallets.values() if w.signer == call.key.address]
    return {"closed_only": any(wallet.is_closed_only for wallet in own)}


_GROUPS = ("clob", "clob_auth")

OPERATIONS = (
    Operation(
        host="clob",
        method="POST",
        path="/auth/api-key",
        handler=create_key,
        level=1,
        groups=_GROUPS,
    ),
    Operation(
        host="clob",
        method="GET",
        path="/auth/derive-api-key",
        handler=derive_key,
        level=1,
        groups=_GROUPS,
    ),
    Operation(
        host="clob",
        method="GET",
        path="/auth/api-keys",
        handler=list_keys,
        level=2,
        groups=_GROUPS,
    ),
    Operation(
        host="clob",
        method="DELETE",
        path="/auth/api-key",
        handler=delete_key,
        level=2,
        groups=_GROUPS,
    ),
    Operation(
        host="clob",
        method="GET",
        path="/auth/ban-status/closed-only",
        handler=get_ban_status,
        level=2,
        groups=_GROUPS,
    ),
)
