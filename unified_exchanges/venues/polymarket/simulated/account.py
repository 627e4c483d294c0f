"""The account: balances and allowances, heartbeats, notifications, its tier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .books import find_token
from .chain import EXCHANGES, V3
from .errors import bad_request
from .limits import TIERS
from .routes import Call, Operation
from .wallets import Wallet
from .wire import Payload, seconds, units

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]

_ALL = 2**256 - 1
_KINDS = ("COLLATERAL", "CONDITIONAL", "CONDITIONAL-V2")


def _wallet(house: House, call: Call) -> Wallet | None:
    kind = call.integer("signature_type", 0)
    if kind not in {0, 1, 2, 3}:
        raise bad_request("Invalid signature_type")
    return house.members.wallet_of(call.key.address, kind)


def get_balance(house: House, call: Call) -> Payload:
    """PUSD or tokens, in millionths and gross, and who may take them."""
    kind = call.text("asset_type")
    if kind not in _KINDS:
        raise bad_request("Invalid asset type")
    wallet = _wallet(house, call)
    if kind == "COLLATERAL":
        return _collateral(house, wallet)
    listed, index = find_token(house, call.text("token_id"))
    contracts = [V3] if listed.version == "v2" else [e for e in EXCHANGES if e != V3]
    if wallet is None:
        return {"balance": "0", "allowances": {e.address: "0" for e in contracts}}
    held = house.vault.size(wallet.name, listed.condition_id, index)
    allowances = {
        e.address: str(_ALL if e.address in wallet.approved else 0) for e in contracts
    }
    return {"balance": units(held), "allowances": allowances}


def _collateral(house: House, wallet: Wallet | None) -> Payload:
    if wallet is None:
        return {"balance": "0", "allowances": {e.address: "0" for e in EXCHANGES}}
    return {
        "balance": units(house.collateral(wallet)),
        "allowances": {
            e.address: str(wallet.allowances.get(e.address, 0)) for e in EXCHANGES
        },
    }


def update_balance(house: House, call: Call) -> Payload:
    """Look at the chain again: here nothing is cached."""
    return get_balance(house, call)


def post_heartbeat(house: House, call: Call) -> Payload:
    """Keep the orders of the key alive."""
    sent = call.json()
    beat = sent.get("heartbeat_id") if isinstance(sent, dict) else None
    return {"heartbeat_id": house.members.beat(call.key, beat or "")}


def list_notifications(house: House, call: Call) -> list[Payload]:
    """What the member was told."""
    wallet = _wallet(house, call)
    return [
        {
            "id": told.number,
            "owner": call.key.key_id,
            "type": told.kind,
            "payload": told.payload,
            "timestamp": seconds(told.time_us),
        }
        for told in (wallet.notifications if wallet else ())
    ]


def drop_notifications(house: House, call: Call) -> str:
    """Forget some."""
    words = call.text("ids").split(",")
    if not all(word.isascii() and word.isdigit() for word in words):
        raise bad_request("Invalid ids")
    numbers = {int(word) for word in words}
    for wallet in house.wallets.values():
        if wallet.signer == call.key.address:
            wallet.notifications = [
                told for told in wallet.notifications if told.number not in numbers
            ]
    return "OK"


def get_tier(house: House, call: Call) -> Payload:
    """How fast the signer may trade."""
    limits = house.limits
    tier = "standard" if limits is None else limits.signer(call.key.address).tier
    rate, burst, cancel_rate, cancel_burst = TIERS[tier]
    return {
        "tier": tier,
        "order_rate": rate,
        "order_burst": burst,
        "cancel_rate": cancel_rate,
        "cancel_burst": cancel_burst,
    }


def _l2(
    method: str, path: str, handler: Callable[[House, Call], Any], *groups: str
) -> Operation:
    return Operation(
        host="clob",
        method=method,
        path=path,
        handler=handler,
        level=2,
        groups=("clob", *groups),
    )


_NOTICES = ("clob_notifications", "clob_ledger")

OPERATIONS = (
    _l2("GET", "/balance-allowance", get_balance, "clob_balance"),
    _l2("GET", "/balance-allowance/update", update_balance, "clob_balance_update"),
    _l2("POST", "/v1/heartbeats", post_heartbeat),
    _l2("POST", "/heartbeats", post_heartbeat),
    _l2("GET", "/notifications", list_notifications, *_NOTICES),
    _l2("DELETE", "/notifications", drop_notifications, *_NOTICES),
    _l2("GET", "/v1/user/rate-limit-tier", get_tier),
)
