"""Frames become text, whole and UTF-8, or an error with the code that says why."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from unified_exchanges.transports.handshake import Handshake
from unified_exchanges.transports.messages import Messages, NotText, check_text


def taken(*frames: Frame) -> list[bytes]:
    found: list[bytes] = []
    messages = Messages(found.append)
    for frame in frames:
        messages.take(frame)
    return found


def test_a_message_beyond_ascii_arrives_as_it_was_sent() -> None:
    assert taken(Frame(Opcode.TEXT, "é".encode())) == ["é".encode()]
    check_text("é".encode())


def test_fragments_are_one_message_wherever_they_were_cut() -> None:
    whole = '{"a":"é"}'.encode()
    for cut in range(1, len(whole)):
        frames = (
            Frame(Opcode.TEXT, whole[:cut], fin=False),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.CONT, whole[cut:]),
        )
        assert taken(*frames) == [whole]


@pytest.mark.parametrize(
    ("frame", "code"),
    [(Frame(Opcode.BINARY, b"{}"), 1003), (Frame(Opcode.TEXT, b"\xff"), 1007)],
)
def test_fault_40_what_is_no_text_is_an_error_with_its_code(
    frame: Frame, code: int
) -> None:
    with pytest.raises(NotText) as caught:
        taken(frame)
    assert caught.value.code == code


def test_an_end_is_told_with_its_code_and_without_what_we_sent() -> None:
    shake = Handshake("ws://venue.test/stream", {"x-key": "secret-key"}, 5.0)
    lost = shake.lost(1008, "secret-key\n is not known")
    assert lost.code == "1008"
    assert str(lost) == (
        "the stream /stream of venue.test ended with code 1008: … is not known"
    )
    silent = shake.lost(None)
    assert (silent.code, str(silent)) == (
        None,
        "the stream /stream of venue.test ended without a goodbye",
    )
