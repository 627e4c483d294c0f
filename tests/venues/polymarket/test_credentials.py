"""Who we are at Polymarket: keys read strictly and kept secret, wallets that fit them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import traceback
from base64 import urlsafe_b64decode
from hmac import digest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canary import told_by
from tests.recorded import read_example
from unified_exchanges.errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    NotSupported,
    UnifiedExchangesError,
)
from unified_exchanges.models import BUY
from unified_exchanges.settings import Settings
from unified_exchanges.venues.polymarket.api_key import ApiKey
from unified_exchanges.venues.polymarket.contracts import POLYGON, exchange_domain
from unified_exchanges.venues.polymarket.curve import ORDER
from unified_exchanges.venues.polymarket.signing import SignatureType, Wallet
from unified_exchanges.venues.polymarket.wallets import made_wallet

from . import oracle
from .keys import (
    ADDRESS,
    API_KEY,
    API_SECRET,
    ASSET,
    FUNDER,
    PASSPHRASE,
    SECRET,
    SECRET_KEY,
    WAYS,
    load,
    loaded,
)

MOMENT = 1_795_000_000
PATH = "/data/orders"
TRIPLE = {"api_key": API_KEY, "secret": API_SECRET, "password": PASSPHRASE}
VARIABLES = {
    "POLYMARKET_API_KEY": API_KEY,
    "POLYMARKET_API_SECRET": API_SECRET,
    "POLYMARKET_API_PASSPHRASE": PASSPHRASE,
}


def api() -> ApiKey:
    return ApiKey(API_KEY, API_SECRET, PASSPHRASE)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "wallet key.txt"
    path.write_text(f"{SECRET_KEY}\n")
    path.chmod(0o600)
    return path


# -- where keys come from --------------------------------------------------------------


def test_nothing_given_means_no_credentials():
    assert load() is None


def test_empty_variables_are_no_credentials():
    assert (
        load(environ={"POLYMARKET_PRIVATE_KEY": " ", "POLYMARKET_FUNDER": ""}) is None
    )


@pytest.mark.parametrize(
    "text",
    [
        SECRET_KEY,
        SECRET_KEY[2:],
        SECRET_KEY.upper(),
        f"0x{SECRET_KEY[2:].upper()}",
        f" {SECRET_KEY}\n",
    ],
)
def test_a_key_is_hexadecimal_with_or_without_its_prefix(text):
    found = load(private_key=text)
    assert found is not None
    assert found.address == ADDRESS


@pytest.mark.parametrize("kind", [str, Path])
def test_a_key_is_read_from_a_file(key_file, kind):
    found = load(private_key=kind(key_file))
    assert found is not None
    assert found.address == ADDRESS


def test_a_key_comes_from_its_variable():
    found = load(environ={"POLYMARKET_PRIVATE_KEY": SECRET_KEY})
    assert found is not None
    assert found.address == ADDRESS


def test_a_path_comes_from_its_variable(key_file):
    found = load(environ={"POLYMARKET_PRIVATE_KEY_PATH": str(key_file)})
    assert found is not None
    assert found.address == ADDRESS


def test_an_argument_wins_over_a_variable():
    other = f"{1:064x}"
    found = load(private_key=SECRET_KEY, environ={"POLYMARKET_PRIVATE_KEY": other})
    assert found is not None
    assert found.address == ADDRESS


def test_two_keys_in_the_environment_are_refused():
    environ = {
        "POLYMARKET_PRIVATE_KEY": SECRET_KEY,
        "POLYMARKET_PRIVATE_KEY_PATH": "/x",
    }
    with pytest.raises(BadRequest, match="both set"):
        load(environ=environ)


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_signing_is_an_option(way):
    assert loaded(way=way).way == way


def test_another_way_of_signing_is_refused():
    with pytest.raises(BadRequest, match="option signing"):
        loaded(way="slow")  # type: ignore[arg-type]


def test_an_unknown_chain_is_refused():
    with pytest.raises(BadRequest, match="chain 1 has no Polymarket"):
        load(private_key=SECRET_KEY, chain_id=1)


# -- keys that are refused -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("0x1234", "has 4 hexadecimal digits; a private key has 64"),
        (SECRET_KEY[:-1], "has 63 hexadecimal digits"),
        (ADDRESS, "40 are an address, which belongs into options funder"),
        ("-----BEGIN PRIVATE KEY-----\nMC4\n-----END", "is PEM"),
        (f"{0:064x}", "outside the range"),
        (f"{ORDER:064x}", "outside the range"),
        ("f" * 64, "outside the range"),
    ],
)
def test_what_is_no_key_is_an_authentication_error(text, words):
    with pytest.raises(AuthenticationError, match=words):
        load(private_key=text)


@pytest.mark.parametrize("scalar", [1, ORDER - 1])
def test_the_first_and_the_last_key_are_taken(scalar):
    found = load(private_key=f"{scalar:064x}")
    assert found is not None
    assert found.address == oracle.address(scalar.to_bytes(32, "big"))


def test_another_type_is_refused_without_its_value():
    with pytest.raises(BadRequest, match="not bytes") as caught:
        load(private_key=SECRET)
    assert str(SECRET) not in str(caught.value)


WORDS = "test walk junk test walk junk test walk junk test walk junk"


@pytest.mark.parametrize("text", [WORDS, "pQ8/" * 12])
def test_what_may_be_a_secret_and_is_no_file_is_not_shown(text):
    with pytest.raises(BadRequest, match="may be a key") as caught:
        load(private_key=text)
    assert text not in told_by(caught.value)


def test_a_phrase_in_a_file_is_refused(key_file):
    key_file.write_text(WORDS)
    with pytest.raises(AuthenticationError, match="a phrase of words is not taken"):
        load(private_key=key_file)


def test_a_file_that_is_not_text_is_refused(key_file):
    key_file.write_bytes(SECRET)
    with pytest.raises(AuthenticationError, match="is not 64 hexadecimal digits"):
        load(private_key=key_file)


def test_fault_49_a_key_that_others_may_read_is_refused_with_the_fix(key_file):
    key_file.chmod(0o644)
    with pytest.raises(AuthenticationError, match="chmod 600"):
        load(private_key=key_file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"absent\.txt.* is neither 64 hexadecimal"):
        load(private_key=tmp_path / "absent.txt")


def test_fault_49_a_symlink_is_refused(key_file):
    link = key_file.with_name("link")
    link.symlink_to(key_file)
    with pytest.raises(AuthenticationError, match="symbolic link"):
        load(private_key=link)


# -- the wallet ------------------------------------------------------------------------


def test_without_a_funder_the_key_spends_its_own_money():
    mine = loaded()
    assert mine.wallet == Wallet(ADDRESS, SignatureType.EOA)
    assert mine.party == ADDRESS


@pytest.mark.parametrize("kind", [1, 2, 3, "1", "2", "3"])
def test_a_wallet_is_a_funder_and_a_type(kind):
    mine = loaded(funder=FUNDER, signature_type=kind)
    assert mine.wallet == Wallet(FUNDER, SignatureType(int(kind)))


@pytest.mark.parametrize(("kind", "party"), [(1, ADDRESS), (2, ADDRESS), (3, FUNDER)])
def test_a_deposit_wallet_signs_for_itself(kind, party):
    mine = loaded(funder=FUNDER, signature_type=kind)
    assert (mine.address, mine.party) == (ADDRESS, party)


@pytest.mark.parametrize("given", [{}, {"signature_type": 0}, {"signature_type": "0"}])
def test_the_own_address_may_be_named(given):
    mine = loaded(funder=ADDRESS.lower(), **given)
    assert mine.wallet == Wallet(ADDRESS, SignatureType.EOA)


def test_a_wallet_comes_from_variables():
    environ = {
        "POLYMARKET_PRIVATE_KEY": SECRET_KEY,
        "POLYMARKET_FUNDER": FUNDER,
        "POLYMARKET_SIGNATURE_TYPE": "2",
    }
    found = load(environ=environ)
    assert found is not None
    assert found.wallet == Wallet(FUNDER, SignatureType.SAFE)


def test_an_option_wins_over_a_variable():
    environ = {"POLYMARKET_FUNDER": FUNDER, "POLYMARKET_SIGNATURE_TYPE": "2"}
    found = load(private_key=SECRET_KEY, options={"signature_type": 3}, environ=environ)
    assert found is not None
    assert found.wallet == Wallet(FUNDER, SignatureType.DEPOSIT_WALLET)


@pytest.mark.parametrize("wrong", [4, -1, "x", True, "", "01"])
def test_another_type_of_signature_is_refused(wrong):
    with pytest.raises(BadRequest, match=r"signature_type is 0 \(the key's own"):
        loaded(funder=FUNDER, signature_type=wrong)


def test_a_funder_without_a_type_is_asked_for_it():
    with pytest.raises(ArgumentsRequired, match="say what kind of wallet it is"):
        loaded(funder=FUNDER)


def test_type_0_with_another_funder_is_refused():
    with pytest.raises(BadRequest, match="leave funder away"):
        loaded(funder=FUNDER, signature_type=0)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_without_a_funder_it_is_the_wallet_made_for_the_key(kind):
    made = made_wallet(SignatureType(kind), ADDRESS)
    assert loaded(signature_type=kind).wallet == Wallet(made, SignatureType(kind))


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("other", [1, 2, 3])
def test_the_keys_wallet_of_another_type_is_refused_as_funder(kind, other):
    made = made_wallet(SignatureType(other), ADDRESS)
    if kind == other:
        assert loaded(funder=made, signature_type=kind).wallet.address == made
        return
    mine = made_wallet(SignatureType(kind), ADDRESS)
    with pytest.raises(
        BadRequest, match=rf"wallet of signature_type {other}, not of {kind}.*{mine}"
    ):
        loaded(funder=made, signature_type=kind)


def test_a_funder_without_a_type_is_told_which_it_would_be():
    made = made_wallet(SignatureType.DEPOSIT_WALLET, ADDRESS)
    with pytest.raises(ArgumentsRequired, match="it is the key's wallet of type 3"):
        loaded(funder=made)


def test_only_a_wallet_that_is_not_made_for_the_key_is_suspect():
    assert loaded(signature_type=2).suspicion == ""
    assert loaded().suspicion == ""
    made = made_wallet(SignatureType.SAFE, ADDRESS)
    told = loaded(funder=FUNDER, signature_type=2).suspicion
    assert FUNDER in told
    assert made in told


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_wallet_of_its_own_is_not_the_key(kind):
    with pytest.raises(BadRequest, match="is the private key's own address"):
        loaded(funder=ADDRESS, signature_type=kind)


def test_a_funder_with_a_wrong_checksum_is_refused():
    wrong = ADDRESS.swapcase().replace("0X", "0x")
    with pytest.raises(BadRequest, match="wrong checksum"):
        loaded(funder=wrong, signature_type=2)


@pytest.mark.parametrize(
    "given",
    [{"options": {"funder": FUNDER}}, {"options": {"signature_type": 2}}, TRIPLE],
)
def test_what_belongs_to_a_private_key_is_refused_without_one(given):
    with pytest.raises(ArgumentsRequired, match="came without the private key"):
        load(**given)


def test_a_builder_is_a_word_of_32_bytes():
    code = "0x" + "ab" * 32
    domain = exchange_domain(POLYGON, ASSET, neg_risk=False)
    order = loaded(builder=code).sign_order(
        domain, BUY, ASSET, (2, 3), salt=1, timestamp_ms=4
    )
    expected = {
        "salt": 1,
        "maker": ADDRESS,
        "signer": ADDRESS,
        "tokenId": int(ASSET),
        "makerAmount": 2,
        "takerAmount": 3,
        "side": 0,
        "signatureType": 0,
        "timestamp": 4,
        "metadata": bytes(32),
        "builder": bytes.fromhex(code[2:]),
    }
    assert order.order_id == oracle.order_id(domain, expected)
    assert order.signature == oracle.plain(SECRET, domain, expected)


@pytest.mark.parametrize("wrong", ["", "0x12", "me", 5])
def test_another_builder_is_refused(wrong):
    with pytest.raises(BadRequest, match="option builder"):
        loaded(builder=wrong)


# -- the API key -----------------------------------------------------------------------


def test_an_api_key_comes_from_arguments():
    found = load(private_key=SECRET_KEY, **TRIPLE)
    assert found is not None
    assert found.api is not None
    assert found.headers(MOMENT, "GET", PATH) == api().headers(
        ADDRESS, MOMENT, "GET", PATH
    )


def test_an_api_key_comes_from_variables():
    found = load(private_key=SECRET_KEY, environ=VARIABLES)
    assert found is not None
    assert found.headers(MOMENT, "GET", PATH) == api().headers(
        ADDRESS, MOMENT, "GET", PATH
    )


def test_arguments_win_over_variables():
    found = load(
        private_key=SECRET_KEY, **{**TRIPLE, "api_key": "other"}, environ=VARIABLES
    )
    assert found is not None
    assert found.api is not None
    assert found.api.key == "other"


@pytest.mark.parametrize("missing", TRIPLE)
def test_an_api_key_is_three_things(missing):
    given = {name: value for name, value in TRIPLE.items() if name != missing}
    with pytest.raises(ArgumentsRequired, match=f"{missing}= is missing"):
        load(private_key=SECRET_KEY, **given)


def test_a_key_may_be_named_beside_what_the_environment_keeps():
    found = load(private_key=SECRET_KEY, api_key="other", environ=VARIABLES)
    assert found is not None
    assert found.api is not None
    assert found.api.key == "other"


def test_two_missing_things_are_named():
    with pytest.raises(ArgumentsRequired, match="secret= and password= are missing"):
        load(private_key=SECRET_KEY, api_key="other")


@pytest.mark.parametrize("missing", VARIABLES)
def test_the_missing_variable_is_named(missing):
    environ = {name: value for name, value in VARIABLES.items() if name != missing}
    with pytest.raises(ArgumentsRequired, match=f"{missing} is missing"):
        load(private_key=SECRET_KEY, environ=environ)


def test_a_call_without_an_api_key_is_refused_saying_which():
    with pytest.raises(ArgumentsRequired, match="GET /data/orders needs an API key"):
        loaded().headers(MOMENT, "GET", f"{PATH}?next_cursor=x")


def test_a_derived_api_key_is_taken_later():
    mine = loaded()
    mine.api = api()
    assert mine.headers(MOMENT, "GET", PATH)["POLY_API_KEY"] == API_KEY


@pytest.mark.parametrize("wrong", ["two words", "line\r\nX-Other: 1", "ключ"])
@pytest.mark.parametrize("name", ["api_key", "password"])
def test_what_cannot_be_a_header_is_refused(name, wrong):
    with pytest.raises(BadRequest, match=f"{name}.* is not one word") as caught:
        load(private_key=SECRET_KEY, **{**TRIPLE, name: wrong})
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("wrong", ["short", "*" * 44, API_SECRET + "====", "A" * 9])
def test_a_secret_that_is_not_base64_is_refused_and_not_shown(wrong):
    with pytest.raises(BadRequest, match="secret is not Base64") as caught:
        load(private_key=SECRET_KEY, **{**TRIPLE, "secret": wrong})
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("wrong", ["abcd", "abc=", "ABCDEFG", "AB=="])
def test_a_secret_that_was_cut_off_is_called_so(wrong):
    with pytest.raises(BadRequest, match="secret is too short") as caught:
        load(private_key=SECRET_KEY, **{**TRIPLE, "secret": wrong})
    assert wrong not in str(caught.value)


# -- headers ---------------------------------------------------------------------------


def golden(text: str, secret: str) -> ApiKey:
    return ApiKey(text, secret, "passphrase")


@pytest.mark.parametrize("number", range(3))
def test_the_golden_signatures_are_reproduced(number):
    vector = read_example("signing_vectors.json", "polymarket")["l2_hmac"][number]
    found = golden("key", vector["secret"]).headers(
        ADDRESS,
        int(vector["timestamp"]),
        vector["method"],
        vector["path"],
        (vector["body"] or "").encode(),
    )
    assert found["POLY_SIGNATURE"] == vector["signature"]


def test_the_headers_of_the_recorded_order_are_reproduced():
    vector = read_example("post_order_request.json", "polymarket")
    headers = vector["headers"]
    mine = ApiKey(
        headers["POLY_API_KEY"], vector["l2_secret"], headers["POLY_PASSPHRASE"]
    )
    found = mine.headers(
        headers["POLY_ADDRESS"],
        int(headers["POLY_TIMESTAMP"]),
        vector["method"],
        vector["path"],
        vector["body_exact"].encode(),
    )
    assert found == headers


def test_the_headers_of_a_call():
    assert api().headers(ADDRESS, MOMENT, "DELETE", "/order", b'{"orderID":"0x1"}') == {
        "POLY_ADDRESS": ADDRESS,
        "POLY_API_KEY": API_KEY,
        "POLY_PASSPHRASE": PASSPHRASE,
        "POLY_TIMESTAMP": "1795000000",
        "POLY_SIGNATURE": "N8Ofhmp8ysan_RiqXsHvaQV0-DN73F5WpmK2ukfM8hI=",
    }


@given(
    secret=st.binary(min_size=6, max_size=64),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    body=st.binary(max_size=200),
)
def test_any_body_is_signed_as_it_is_sent(secret, method, body):
    from base64 import urlsafe_b64encode

    text = urlsafe_b64encode(secret).decode()
    found = golden("key", text).headers(ADDRESS, 7, method, "/order", body)
    expected = digest(secret, b"7" + method.encode() + b"/order" + body, "sha256")
    assert urlsafe_b64decode(found["POLY_SIGNATURE"]) == expected


@pytest.mark.parametrize("change", [str.strip, lambda t: t.rstrip("=")])
def test_a_secret_comes_with_or_without_its_padding(change):
    other = ApiKey(API_KEY, change(API_SECRET), PASSPHRASE)
    assert other.headers(ADDRESS, 7, "GET", PATH) == api().headers(
        ADDRESS, 7, "GET", PATH
    )


def test_a_secret_comes_in_either_alphabet():
    plain, safe = "+/+/+/+/+/+/", "-_-_-_-_-_-_"
    found = [
        golden("k", text).headers(ADDRESS, 7, "GET", PATH) for text in (plain, safe)
    ]
    assert found[0] == found[1]


def test_the_query_is_not_signed():
    with_query = api().headers(
        ADDRESS, MOMENT, "GET", f"{PATH}?market=0x1&next_cursor=MA=="
    )
    assert with_query == api().headers(ADDRESS, MOMENT, "GET", PATH)


def test_headers_are_a_fresh_dict():
    api_key = api()
    api_key.headers(ADDRESS, 1, "GET", PATH)["X"] = "y"
    assert "X" not in api_key.headers(ADDRESS, 1, "GET", PATH)


def test_the_headers_of_a_statement():
    assert loaded(funder=FUNDER, signature_type=3).first_headers(MOMENT, 2) == {
        "POLY_ADDRESS": ADDRESS,
        "POLY_SIGNATURE": oracle.auth(SECRET, 137, MOMENT, 2),
        "POLY_TIMESTAMP": "1795000000",
        "POLY_NONCE": "2",
    }


# -- secrets ---------------------------------------------------------------------------


def test_fault_48_nothing_that_prints_shows_a_key():
    mine = load(private_key=SECRET_KEY, **TRIPLE)
    assert mine is not None
    shown = f"{mine!r} {mine} {mine._signer!r} {mine._signer._key!r} {mine.api!r}"
    assert repr(mine) == "<Polymarket credentials: eoa wallet>"
    assert repr(mine.api) == "<Polymarket API key>"
    for secret in (SECRET_KEY[2:], API_SECRET, PASSPHRASE, API_KEY):
        assert secret not in shown


@pytest.mark.parametrize("make", [loaded, api])
def test_fault_48_there_are_no_vars(make):
    with pytest.raises(TypeError):
        vars(make())


@pytest.mark.parametrize("make", [loaded, api])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_fault_48_nothing_is_pickled(make, protocol):
    with pytest.raises(TypeError, match="keys stay in this process"):
        pickle.dumps(make(), protocol)


@pytest.mark.parametrize("make", [loaded, api])
def test_fault_48_the_state_is_not_told(make):
    with pytest.raises(TypeError, match="keys stay in this process"):
        make().__getstate__()


@pytest.mark.parametrize("make", [loaded, api])
def test_a_copy_is_the_same_object(make):
    mine = make()
    assert copy.copy(mine) is mine
    assert copy.deepcopy({"key": mine})["key"] is mine


FOREIGN = {
    "api_key": "c-a-n-a-r-y",
    "secret": "canarycanary",
    "password": "canary-word",
}


@pytest.mark.parametrize(
    "given",
    [
        {"private_key": "ca11ab1e" * 7},
        {"private_key": "canary canary canary canary"},
        {"private_key": "f" * 64},
        {"private_key": SECRET_KEY, "options": {"signing": "slow"}},
        {"private_key": SECRET_KEY, "options": {"funder": FUNDER}},
        {"private_key": SECRET_KEY, **FOREIGN, "secret": "canary*canary"},
        {"private_key": SECRET_KEY, **FOREIGN, "password": "canary canary"},
        {"private_key": SECRET_KEY, **FOREIGN, "api_key": None},
        FOREIGN,
    ],
)
def test_fault_48_no_traceback_of_this_folder_shows_a_key(given):
    with pytest.raises(UnifiedExchangesError) as caught:
        load(**given)
    frames = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    own = [
        frame
        for frame in frames.stack
        if "unified_exchanges/venues/polymarket" in Path(frame.filename).as_posix()
    ]
    shown = str([frame.locals for frame in own])
    assert own
    for secret in ("canary", "c-a-n-a-r-y", "ca11ab1e", "f" * 64, SECRET_KEY[2:]):
        assert secret not in shown


def test_fault_48_a_missing_extra_does_not_show_the_key(monkeypatch):
    monkeypatch.setitem(sys.modules, "coincurve", None)
    with pytest.raises(NotSupported) as caught:
        loaded(way="fast")
    frames = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    shown = [str(f.locals) for f in frames.stack if Path(f.filename).name == "curve.py"]
    assert shown
    assert SECRET_KEY[2:] not in str(shown)


def test_settings_keep_a_secret_to_themselves():
    given: dict[str, Any] = {**TRIPLE, "private_key": SECRET_KEY}
    shown = repr(Settings(**given))
    for secret in (*TRIPLE.values(), SECRET_KEY):
        assert secret not in shown


def test_a_venue_without_a_key_loads_no_cryptography():
    script = (
        "import sys\n"
        "from unified_exchanges.settings import Settings\n"
        "from unified_exchanges.venues.polymarket import credentials\n"
        "assert credentials.load(Settings(environ={})) is None\n"
        "assert not {'cryptography', 'coincurve', 'Crypto'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
