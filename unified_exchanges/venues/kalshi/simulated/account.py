"""What an account may do: limits, costs, keys."""

from __future__ import annotations

from ....money import total
from .authentication import SCOPES, ApiKey, generate_key, load_public_key
from .errors import nested, not_found, unfit
from .house import House
from .limits import Bucket, Buckets
from .routes import PREFIX, Call, Operation, bounded
from .wire import Payload, bare, contracts, whole_seconds

__all__ = ["OPERATIONS"]

_DEFAULT_COST = 10
# As documented after 2026-09-24; what we do not offer is listed all the same.
_COSTS = (
    ("POST", "/account/api_usage_level/upgrade", 30),
    ("GET", "/cfbenchmarks", 50),
    ("GET", "/cfbenchmarks/*endpoint", 50),
    ("POST", "/communications/quotes", 2),
    ("DELETE", "/communications/quotes/:quote_id", 2),
    ("DELETE", "/portfolio/events/orders", 2),
    ("DELETE", "/portfolio/events/orders/:order_id", 2),
    ("DELETE", "/portfolio/events/orders/batched", 2),
    ("GET", "/portfolio/orders/:order_id", 2),
)
_VOLUME_GOALS = ("expert", "premier", "paragon", "prime", "prestige")
_FIRST_GOAL = 1_000_000


def get_limits(_: House, call: Call) -> Payload:
    """The tier and its two buckets."""
    buckets = call.account.buckets or Buckets(call.account.tier)
    return {
        "usage_tier": call.account.tier,
        "read": _bucket(buckets.read),
        "write": _bucket(buckets.write),
        "grants": [],
    }


def _bucket(bucket: Bucket) -> Payload:
    return {"refill_rate": bucket.rate, "bucket_capacity": bucket.capacity}


def get_costs(_: House, __: Call) -> Payload:
    """Costs that differ from the default."""
    return {
        "default_cost": _DEFAULT_COST,
        "endpoint_costs": [
            {"method": method, "path": f"{PREFIX}{path}", "cost": cost}
            for method, path, cost in _COSTS
        ],
    }


def get_volume_progress(house: House, call: Call) -> Payload:
    """What was traded lately, and what the tiers ask for (goals invented)."""
    since_us = call.now_us - 30 * 24 * 3600 * 1_000_000
    fills = house.engine.fills(call.account.user_id)
    volume = total(fill.size for fill in fills if fill.time_us >= since_us)
    goals = [
        {
            "level": level,
            "earn_volume_goal_fp": f"{_FIRST_GOAL * 10**n}.00",
            "keep_volume_goal_fp": f"{_FIRST_GOAL * 10**n // 2}.00",
        }
        for n, level in enumerate(_VOLUME_GOALS)
    ]
    progress = {
        "computed_ts": whole_seconds(call.now_us),
        "trailing_30d_volume_fp": contracts(volume),
        "goals": goals,
    }
    return {"volume_progress": [progress]}


def upgrade(house: House, call: Call) -> None:
    """Lift Basic to Advanced, once the account has placed an order."""
    member = call.account
    if not house.engine.orders(member.user_id):
        raise nested(403, "permission_denied", "no recent order was placed by API")
    if member.tier == "basic":
        member.tier = "advanced"
        member.buckets = Buckets("advanced") if member.buckets else None


# Keys


def get_keys(house: House, call: Call) -> Payload:
    """All keys of the account."""
    mine = (k for k in house.keys.values() if k.user_id == call.account.user_id)
    region_us = call.account.region_expires_us
    expires = None if region_us is None else whole_seconds(region_us)
    return bare(
        {
            "api_keys": [_key_view(key) for key in mine],
            "api_key_region_expiration_ts": expires,
        }
    )


def _key_view(key: ApiKey) -> Payload:
    view = {
        "api_key_id": key.key_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "subaccount": key.subaccount,
    }
    return bare(view)


def create_key(house: House, call: Call) -> Payload:
    """Register a public key."""
    public_key = load_public_key(call.body["public_key"])
    key = house.add_key(
        call.account,
        public_key,
        name=call.body["name"],
        scopes=_scopes(call),
        subaccount=_subaccount(house, call),
    )
    return {"api_key_id": key.key_id}


def generate(house: House, call: Call) -> Payload:
    """Make a key; its private half is shown this once."""
    kind = call.body.get("key_type", "rsa")
    if kind not in {"rsa", "ed25519"}:
        raise unfit("key_type must be rsa or ed25519")
    scopes, subaccount = _scopes(call), _subaccount(house, call)
    pair = generate_key(kind)
    key = house.add_key(
        call.account,
        pair.public_key,
        name=call.body["name"],
        scopes=scopes,
        subaccount=subaccount,
    )
    return {
        "api_key_id": key.key_id,
        "private_key": pair.private_pem,
        "key_type": kind,
        "warning": None,
    }


def _scopes(call: Call) -> list[str]:
    scopes: list[str] = call.body.get("scopes", ["read", "write"])
    if not scopes or not all(scope in SCOPES for scope in scopes):
        raise unfit("scopes must be a list of known scopes")
    if "write" in scopes and "read" not in scopes:
        raise unfit("write needs read")
    return scopes


def _subaccount(house: House, call: Call) -> int | None:
    number = bounded(call.body.get("subaccount"), "subaccount", 0, 63)
    known = house.engine.subaccounts(call.account.user_id)
    if number is not None and number not in known:
        raise unfit(f"there is no subaccount {number}")
    return number


def delete_key(house: House, call: Call) -> None:
    """Withdraw a key."""
    key = house.keys.get(call.path["api_key"])
    if key is None or key.user_id != call.account.user_id:
        raise not_found()
    del house.keys[key.key_id]


_KEY = {"name": "string!", "scopes": "array", "subaccount": "int"}

OPERATIONS = (
    Operation(
        name="GetAccountApiLimits",
        method="GET",
        path="/account/limits",
        handler=get_limits,
        scope="read",
    ),
    Operation(
        name="GetAccountEndpointCosts",
        method="GET",
        path="/account/endpoint_costs",
        handler=get_costs,
    ),
    Operation(
        name="GetAccountApiUsageLevelVolumeProgress",
        method="GET",
        path="/account/api_usage_level/volume_progress",
        handler=get_volume_progress,
        scope="read",
        shared=True,
    ),
    Operation(
        name="UpgradeAccountApiUsageLevel",
        method="POST",
        path="/account/api_usage_level/upgrade",
        handler=upgrade,
        scope="write",
        shared=True,
        cost=30,
        status=201,
    ),
    Operation(
        name="GetApiKeys",
        method="GET",
        path="/api_keys",
        handler=get_keys,
        scope="read",
        shared=True,
    ),
    Operation(
        name="CreateApiKey",
        method="POST",
        path="/api_keys",
        handler=create_key,
        scope="write",
        shared=True,
        status=201,
        struct="CreateApiKeyRequest",
        body={**_KEY, "public_key": "string!"},
    ),
    Operation(
        name="GenerateApiKey",
        method="POST",
        path="/api_keys/generate",
        handler=generate,
        scope="write",
        shared=True,
        status=201,
        struct="GenerateApiKeyRequest",
        body={**_KEY, "key_type": "string"},
    ),
    Operation(
        name="DeleteApiKey",
        method="DELETE",
        path="/api_keys/{api_key}",
        handler=delete_key,
        scope="write",
        shared=True,
        status=204,
    ),
)
