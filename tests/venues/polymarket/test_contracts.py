"""Which contract an order is for, and which ids are whose."""

from __future__ import annotations

import pytest

from tests.recorded import read_example
from unified_exchanges.errors import BadRequest
from unified_exchanges.venues.polymarket.addresses import read_address
from unified_exchanges.venues.polymarket.contracts import (
    AMOY,
    CHAINS,
    POLYGON,
    asset_number,
    chain_of,
    exchange_domain,
    is_protocol_v2,
)

from .keys import ASSET

STRUCTURED = str(2 << 248 | 0xABCDEF << 120 | 1)


@pytest.mark.parametrize(
    ("asset", "neg_risk", "version", "contract"),
    [
        (ASSET, False, "2", POLYGON.standard),
        (ASSET, True, "2", POLYGON.neg_risk),
        (STRUCTURED, False, "3", POLYGON.protocol_v2),
        (STRUCTURED, True, "3", POLYGON.protocol_v2),
    ],
)
def test_the_contract_follows_from_the_market(asset, neg_risk, version, contract):
    domain = exchange_domain(POLYGON, asset, neg_risk=neg_risk)
    assert (domain.version, domain.contract, domain.chain_id) == (
        version,
        contract,
        137,
    )


def test_the_test_chain_has_a_contract_of_its_own():
    domain = exchange_domain(AMOY, STRUCTURED, neg_risk=False)
    assert (domain.contract, domain.chain_id) == (AMOY.protocol_v2, 80002)


@pytest.mark.parametrize("bit", [40, 70, 103])
def test_a_bit_in_the_middle_says_that_an_id_is_not_structured(bit):
    assert not is_protocol_v2(str(int(STRUCTURED) | 1 << bit))


@pytest.mark.parametrize("bit", [0, 39, 104, 255])
def test_other_bits_say_nothing(bit):
    assert is_protocol_v2(str(int(STRUCTURED) | 1 << bit))


def test_recorded_ids_of_protocol_v2_are_recognised():
    market = read_example("gamma_market_protocol_v2_fields.json", "polymarket")
    ids = market["positionIds"]
    assert [is_protocol_v2(each) for each in ids] == [True] * len(ids) != []


def test_recorded_ids_of_protocol_v1_are_recognised():
    book = read_example("clob_book_2024_capture.json", "polymarket")
    assert not is_protocol_v2(book["asset_id"])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "0",
        "-1",
        "1.5",
        "0x12",
        "KXHIGHNY-26NOV28-B45",
        "٣",
        "1" * 79,
        str(1 << 256),
    ],
)
def test_what_is_no_asset_id_is_refused(wrong):
    with pytest.raises(BadRequest, match=r"is not an asset id.*Outcome\.outcome_id"):
        asset_number(wrong)


def test_the_largest_id_is_read():
    assert asset_number(str((1 << 256) - 1)) == (1 << 256) - 1


def test_an_unknown_chain_is_refused():
    with pytest.raises(
        BadRequest, match="chain 1 has no Polymarket: pass 137 or 80002"
    ):
        chain_of(1)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=lambda chain: chain.id)
def test_every_address_has_its_checksum(chain):
    names = ("standard", "neg_risk", "protocol_v2", "collateral", "conditional_tokens")
    found = [getattr(chain, name) for name in names]
    found += [chain.position_manager] if chain.position_manager else []
    assert [read_address(each, "contract") for each in found] == found
    assert chain_of(chain.id) is chain
