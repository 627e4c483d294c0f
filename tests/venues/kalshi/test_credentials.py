"""Keys: read strictly, kept secret, signing exactly what Kalshi verifies."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
import traceback
from base64 import b64decode
from functools import cache
from pathlib import Path
from shlex import quote

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from tests.canary import told_by
from unified_exchanges.errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    UnifiedExchangesError,
)
from unified_exchanges.venues.kalshi.credentials import Credentials, load

KEY_ID = "4f1c9a52-0d3e-4b8a-9f57-2f1f6f0f6f11"
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
MOMENT = 1781159364112
ORDERS = "/trade-api/v2/portfolio/orders"

PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(SEED)


def pem(key, form=PKCS8, password: bytes | None = None) -> str:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def signer(key, **given) -> Credentials:
    found = load(KEY_ID, pem(key, **given), None, {})
    assert found is not None
    return found


def verify(key: rsa.RSAPrivateKey, signature: str, text: bytes, salt: int = 32) -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
    key.public_key().verify(b64decode(signature), text, pss, hashes.SHA256())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "kalshi key.pem"
    path.write_text(pem(ed_key()))
    path.chmod(0o600)
    return path


# -- signatures ------------------------------------------------------------------------


def test_ed25519_signs_the_known_text_of_a_request():
    assert signer(ed_key()).sign(MOMENT, "GET", ORDERS) == (
        "R3Qv9ns++ueJegQGcV3L4uq9LAtJagRbqLXQJ/fmTfD9pK+0VR1gFeJbe9nnkElEXuHzSMfonMlW"
        "Lw5xplclBg=="
    )


def test_ed25519_signs_the_known_text_of_a_websocket():
    assert signer(ed_key()).sign(MOMENT, "GET", "/trade-api/ws/v2") == (
        "ikYWuMclk3TUQqtdQj3qfQ8sEsMjR4XeGen2LzlCIaiXeX/v+83OGnf3o1piPUyN3dp1rlOaSfLR"
        "bk064qPuDw=="
    )


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_rsa_signs_with_pss_and_a_salt_as_long_as_the_digest(bits):
    signature = signer(rsa_key(bits)).sign(MOMENT, "POST", ORDERS)
    verify(rsa_key(bits), signature, f"{MOMENT}POST{ORDERS}".encode(), salt=32)


def test_rsa_keys_come_as_pkcs1_too():
    signature = signer(rsa_key(), form=PKCS1).sign(MOMENT, "GET", ORDERS)
    verify(rsa_key(), signature, f"{MOMENT}GET{ORDERS}".encode())


def test_the_query_is_not_signed():
    mine = signer(ed_key())
    with_query = mine.sign(MOMENT, "GET", f"{ORDERS}?limit=5&cursor=x")
    assert with_query == mine.sign(MOMENT, "GET", ORDERS)


def test_the_method_is_signed_in_upper_case():
    mine = signer(ed_key())
    assert mine.sign(MOMENT, "get", ORDERS) == mine.sign(MOMENT, "GET", ORDERS)


def test_headers_hold_the_id_the_moment_and_the_signature():
    mine = signer(ed_key())
    assert mine.headers(MOMENT, "GET", ORDERS) == {
        "KALSHI-ACCESS-KEY": KEY_ID,
        "KALSHI-ACCESS-TIMESTAMP": "1781159364112",
        "KALSHI-ACCESS-SIGNATURE": mine.sign(MOMENT, "GET", ORDERS),
    }


def test_many_threads_sign_with_one_key():
    mine = signer(ed_key())
    expected = mine.sign(MOMENT, "GET", ORDERS)
    found: list[str] = []

    def work() -> None:
        found.extend(mine.sign(MOMENT, "GET", ORDERS) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 400


def test_p13_the_pem_is_parsed_once(monkeypatch):
    parsed = []
    parse = serialization.load_pem_private_key

    def counting(*given):
        parsed.append(given)
        return parse(*given)

    monkeypatch.setattr(serialization, "load_pem_private_key", counting)
    mine = signer(rsa_key())
    for _ in range(5):
        mine.headers(MOMENT, "GET", ORDERS)
    assert len(parsed) == 1


# -- where keys come from --------------------------------------------------------------


def test_nothing_given_means_no_credentials():
    assert load(None, None, None, {}) is None


def test_empty_variables_are_no_credentials():
    environ = {"KALSHI_API_KEY": "", "KALSHI_PRIVATE_KEY": " "}
    assert load(None, None, None, environ) is None


@pytest.mark.parametrize("name", ["KALSHI_API_KEY", "KALSHI_API_KEY_ID"])
def test_both_names_of_the_key_id_are_read(name):
    found = load(None, None, None, {name: KEY_ID, "KALSHI_PRIVATE_KEY": pem(ed_key())})
    assert found is not None
    assert found.key_id == KEY_ID


def test_a_path_comes_from_its_variable(key_file):
    environ = {"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(key_file)}
    found = load(None, None, None, environ)
    assert found is not None
    assert found.algorithm == "ed25519"


def test_a_path_is_expanded_from_home(key_file, monkeypatch):
    monkeypatch.setenv("HOME", str(key_file.parent))
    assert load(KEY_ID, f"~/{key_file.name}", None, {}) is not None


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_text_or_an_object(key_file, kind):
    assert load(KEY_ID, kind(key_file), None, {}) is not None


def test_an_argument_wins_over_a_variable():
    environ = {"KALSHI_API_KEY": "another", "KALSHI_PRIVATE_KEY": pem(rsa_key())}
    found = load(KEY_ID, pem(ed_key()), None, environ)
    assert found is not None
    assert (found.key_id, found.algorithm) == (KEY_ID, "ed25519")


def test_line_breaks_written_as_backslash_n_are_line_breaks():
    assert load(KEY_ID, pem(ed_key()).replace("\n", "\\n"), None, {}) is not None


def test_an_encrypted_key_opens_with_its_password():
    text = pem(rsa_key(), password=b"tr0ub4dor")
    found = load(KEY_ID, text, "tr0ub4dor", {})
    assert found is not None
    assert found.algorithm == "rsa"


def test_the_password_comes_from_its_variable():
    text = pem(ed_key(), password=b"tr0ub4dor")
    environ = {"KALSHI_PRIVATE_KEY_PASSWORD": "tr0ub4dor"}
    assert load(KEY_ID, text, None, environ) is not None


def test_a_password_that_is_not_needed_does_no_harm():
    assert load(KEY_ID, pem(ed_key()), "unused", {}) is not None


# -- what is refused -------------------------------------------------------------------


def test_a_key_without_its_id_is_refused():
    with pytest.raises(ArgumentsRequired, match="pass api_key="):
        load(None, pem(ed_key()), None, {})


def test_an_id_without_a_key_is_refused():
    with pytest.raises(ArgumentsRequired, match="KALSHI_PRIVATE_KEY_PATH"):
        load(KEY_ID, None, None, {})


def test_two_different_ids_in_the_environment_are_refused():
    with pytest.raises(BadRequest, match="different ids"):
        load(None, None, None, {"KALSHI_API_KEY": "a", "KALSHI_API_KEY_ID": "b"})


def test_two_keys_in_the_environment_are_refused():
    environ = {"KALSHI_PRIVATE_KEY": pem(ed_key()), "KALSHI_PRIVATE_KEY_PATH": "/x"}
    with pytest.raises(BadRequest, match="both set"):
        load(KEY_ID, None, None, environ)


@pytest.mark.parametrize("wrong", ["", "two words", "line\r\nX-Other: 1", "ключ", 5])
def test_an_id_that_cannot_be_a_header_is_refused(wrong):
    with pytest.raises(BadRequest, match="not a key id"):
        load(wrong, pem(ed_key()), None, {})


def test_a_pem_given_as_id_is_recognised_and_not_shown():
    with pytest.raises(BadRequest, match="belongs into private_key") as caught:
        load(pem(ed_key()), pem(ed_key()), None, {})
    assert body_of(pem(ed_key())) not in str(caught.value)


def test_another_type_is_refused_without_its_value():
    with pytest.raises(BadRequest, match="not bytes") as caught:
        load(KEY_ID, b"-----BEGIN canary", None, {})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        (
            "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----",
            "damaged",
        ),
        ("-----BEGIN PRIVATE KEY-----", "damaged"),
        ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", "not a private"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END", "ssh-keygen"),
    ],
)
def test_fault_49_an_empty_or_wrong_pem_is_an_authentication_error(text, words):
    with pytest.raises(AuthenticationError, match=words):
        load(KEY_ID, text, None, {})


def test_fault_49_an_encrypted_pem_asks_for_its_password():
    with pytest.raises(ArgumentsRequired, match="pass password="):
        load(KEY_ID, pem(ed_key(), password=b"tr0ub4dor"), None, {})


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
def test_fault_49_a_wrong_password_is_an_authentication_error(form):
    text = pem(rsa_key(), form=form, password=b"tr0ub4dor")
    with pytest.raises(AuthenticationError, match="password is wrong") as caught:
        load(KEY_ID, text, "canary-word", {})
    assert "canary-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "EC|EllipticCurve"),
        (lambda: dsa.generate_private_key(key_size=2048), "DSA"),
    ],
)
def test_another_kind_of_key_is_refused(make, kind):
    with pytest.raises(AuthenticationError, match=f"of type ({kind}); Kalshi takes"):
        load(KEY_ID, pem(make()), None, {})


def test_a_short_rsa_key_is_refused():
    with pytest.raises(AuthenticationError, match="1024 bits"):
        load(KEY_ID, pem(rsa_key(1024)), None, {})


# -- key files -------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"absent\.pem.*No such file"):
        load(KEY_ID, str(tmp_path / "absent.pem"), None, {})


@pytest.mark.parametrize("name", ["nul\0l", "~nobody-of-this-name/key"])
def test_what_cannot_be_a_path_is_refused(name):
    with pytest.raises(BadRequest, match="neither PEM text nor a file"):
        load(KEY_ID, name, None, {})


def test_a_bare_key_that_looks_like_a_path_is_not_shown():
    bare = body_of(pem(ed_key()))
    with pytest.raises(BadRequest, match="may be a key") as caught:
        load(KEY_ID, bare, None, {})
    assert bare not in told_by(caught.value)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="is a directory"):
        load(KEY_ID, tmp_path, None, {})


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadRequest, match="special file"):
        load(KEY_ID, tmp_path / "pipe", None, {})


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "key.pem").touch(0o600)
    with pytest.raises(AuthenticationError, match="is empty"):
        load(KEY_ID, tmp_path / "key.pem", None, {})


def test_a_file_without_pem_is_refused(tmp_path):
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_text("ssh-ed25519 AAAA")
    with pytest.raises(AuthenticationError, match="holds no PEM"):
        load(KEY_ID, path, None, {})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_fault_49_f15_a_key_that_others_may_use_is_refused_with_the_fix(key_file, mode):
    key_file.chmod(mode)
    with pytest.raises(AuthenticationError) as caught:
        load(KEY_ID, key_file, None, {})
    assert f"chmod 600 '{key_file}'" in str(caught.value)


def test_fault_49_the_fix_works(key_file):
    key_file.chmod(0o644)
    with pytest.raises(AuthenticationError) as caught:
        load(KEY_ID, key_file, None, {})
    subprocess.run(str(caught.value).rsplit(": ", 1)[1], shell=True, check=True)  # noqa: S602
    assert load(KEY_ID, key_file, None, {}) is not None


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_fault_49_a_symlink_is_refused_with_the_file_to_pass(key_file, mode):
    link = key_file.with_name("link")
    link.symlink_to(key_file)
    key_file.chmod(mode)
    with pytest.raises(AuthenticationError, match="symbolic link") as caught:
        load(KEY_ID, link, None, {})
    quoted = quote(str(key_file.resolve()))
    assert str(caught.value).endswith(f"pass the file itself: {quoted}")


def test_a_key_in_a_folder_that_is_a_symlink_is_read(key_file):
    folder = key_file.with_name("folder")
    folder.symlink_to(key_file.parent)
    assert load(KEY_ID, folder / key_file.name, None, {}) is not None


def test_fault_49_a_key_of_another_user_is_refused_with_the_fix(key_file, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(AuthenticationError, match=r"another user .*chown.*chmod 600"):
        load(KEY_ID, key_file, None, {})


def test_fault_49_where_modes_mean_nothing_there_is_a_warning(key_file, monkeypatch):
    monkeypatch.setattr("unified_exchanges.key_file._POSIX", False)
    with pytest.warns(UserWarning, match="cannot be checked"):
        assert load(KEY_ID, key_file, None, {}) is not None


# -- secrets ---------------------------------------------------------------------------


def body_of(text: str) -> str:
    return max(text.splitlines(), key=len)


def test_fault_48_nothing_that_prints_shows_a_key():
    mine = signer(rsa_key())
    shown = f"{mine!r} {mine} {mine._sign!r} {dir(mine)}"
    assert repr(mine) == "<Kalshi credentials: rsa key>"
    assert KEY_ID not in shown
    assert body_of(pem(rsa_key())) not in shown


def test_fault_48_credentials_have_no_vars():
    with pytest.raises(TypeError):
        vars(signer(ed_key()))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_fault_48_credentials_are_not_pickled(protocol):
    with pytest.raises(TypeError, match="private key stays in this process"):
        pickle.dumps(signer(ed_key()), protocol)


def test_fault_48_the_state_is_not_told():
    with pytest.raises(TypeError, match="private key stays"):
        signer(ed_key()).__getstate__()


def test_a_copy_is_the_same_object():
    mine = signer(ed_key())
    assert copy.copy(mine) is mine
    assert copy.deepcopy({"key": mine})["key"] is mine


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("-----BEGIN PRIVATE KEY-----\nCANARYCANARYCANARY\n-----END", None),
        (None, "canary-password"),
    ],
)
def test_fault_48_no_traceback_of_this_module_shows_a_key(text, password):
    given = text or pem(ed_key(), password=b"right")
    with pytest.raises(UnifiedExchangesError) as caught:
        load(KEY_ID, given, password, {})
    frames = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    own = [
        frame
        for frame in frames.stack
        if Path(frame.filename).name == "credentials.py" and frame.locals
    ]
    shown = str([frame.locals for frame in own])
    assert own
    assert "CANARYCANARY" not in shown
    assert "canary-password" not in shown
    assert body_of(given) not in shown


def test_a_venue_without_a_key_does_not_load_cryptography():
    script = (
        "import sys\n"
        "from unified_exchanges.venues.kalshi import credentials\n"
        "assert credentials.load(None, None, None, {}) is None\n"
        "assert 'cryptography' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
