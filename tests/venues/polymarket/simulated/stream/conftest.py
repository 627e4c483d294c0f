"""Listeners on both channels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..trader import Trader
from .listener import Listener


@pytest.fixture
def market(polymarket, fed) -> Listener:
    """Follows both tokens of the plain market with every feature; its books are heard."""
    listener = Listener(polymarket, "/ws/market")
    listener.say(
        assets_ids=list(fed.tokens), type="market", custom_feature_enabled=True
    )
    listener.hear()
    return listener


@pytest.fixture
def user(polymarket) -> Callable[..., Listener]:
    """Signs a trader in."""

    def listening(one: Trader, **more: object) -> Listener:
        listener = Listener(polymarket, "/ws/user")
        listener.say(auth=credentials(one), type="user", **more)
        return listener

    return listening


def credentials(one: Trader) -> dict[str, str]:
    return {
        "apiKey": one.key.key_id,
        "secret": one.key.secret,
        "passphrase": one.key.passphrase,
    }
