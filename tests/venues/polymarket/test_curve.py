"""Signatures on secp256k1: one result on both ways, and one that tells who signed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from coincurve import PublicKey
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from eth_keys.backends.native.ecdsa import ecdsa_raw_recover, ecdsa_raw_sign
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest, NotSupported
from unified_exchanges.venues.polymarket.curve import ORDER, key_maker

from .keys import SECRET, WAYS, key

SECRETS = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
# No hash is zero; nor is it a multiple of the curve's order.
DIGESTS = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
DIGEST = bytes(range(32))


@given(SECRETS, DIGESTS)
def test_both_ways_sign_alike(secret, digest):
    assert key("base", secret).sign(digest) == key("fast", secret).sign(digest)


@given(SECRETS, DIGESTS)
def test_the_signer_is_recovered_from_the_signature(secret, digest):
    signer = key("base", secret)
    signature = signer.sign(digest)
    recoverable = signature[:64] + bytes([signature[64] - 27])
    found = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    assert found.format(compressed=False)[1:] == signer.public


def test_a_pure_implementation_agrees():
    signature = key("base").sign(DIGEST)
    r, s, v = (
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:64], "big"),
        signature[64] - 27,
    )
    assert ecdsa_raw_sign(DIGEST, SECRET) == (v, r, s)
    assert ecdsa_raw_recover(DIGEST, (v, r, s)) == key("base").public


@pytest.mark.parametrize("way", WAYS)
def test_s_is_the_smaller_of_two(way):
    signer = key(way)
    found = {
        int.from_bytes(signer.sign(bytes([n]) * 32)[32:64], "big") for n in range(1, 33)
    }
    assert max(found) <= ORDER // 2


@pytest.mark.parametrize("way", WAYS)
def test_both_endings_occur(way):
    signer = key(way)
    assert {signer.sign(bytes([n]) * 32)[64] for n in range(1, 33)} == {27, 28}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", [1, 2, ORDER - 1])
def test_the_first_and_the_last_key_sign(way, secret):
    signer = key(way, secret.to_bytes(32, "big"))
    assert len(signer.sign(DIGEST)) == 65
    assert len(signer.public) == 64


def test_the_way_is_told():
    assert [key(way).way for way in WAYS] == ["base", "fast"]


def test_the_fast_way_is_chosen_where_its_libraries_are():
    assert key("auto").way == "fast"


@pytest.mark.parametrize("missing", ["coincurve", "Crypto.Hash"])
def test_the_base_is_chosen_where_a_library_is_missing(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert key("auto").way == "base"


@pytest.mark.parametrize("missing", ["coincurve", "Crypto.Hash"])
def test_the_fast_way_without_its_libraries_names_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    words = rf"needs {missing}.*pip install '\.\[polymarket\]' in a clone"
    with pytest.raises(NotSupported, match=words):
        key_maker("fast")


def test_an_old_openssl_is_told_with_the_extra(monkeypatch):
    def old(*_, deterministic_signing=False):
        if deterministic_signing:
            raise UnsupportedAlgorithm("not by this OpenSSL")

    monkeypatch.setattr(ec, "ECDSA", old)
    with pytest.raises(NotSupported, match=r"OpenSSL 3\.2.*\[polymarket\]"):
        key_maker("base")


def test_another_way_is_refused():
    with pytest.raises(BadRequest, match="'auto', 'base' or 'fast', not 'slow'"):
        key_maker("slow")  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_shows_nothing(way):
    shown = f"{key(way)!r} {key(way).sign!r} {key(way).hash!r}"
    assert SECRET.hex() not in shown
    assert str(int.from_bytes(SECRET, "big")) not in shown


def test_the_module_loads_no_library_by_itself():
    script = (
        "import sys\n"
        "from unified_exchanges.venues.polymarket import curve, signing, credentials\n"
        "heavy = {'cryptography', 'coincurve', 'Crypto'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_base_does_not_need_the_extra():
    script = (
        "import sys\n"
        "sys.modules['coincurve'] = sys.modules['Crypto'] = None\n"
        "from unified_exchanges.venues.polymarket.curve import key_maker\n"
        "key = key_maker()(bytes(31) + b'1')\n"
        "assert (key.way, len(key.sign(bytes(31) + b'1'))) == ('base', 65)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
