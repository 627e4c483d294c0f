"""What can be seen of a frame from outside, whatever the venue's words are."""

from __future__ import annotations

import pytest

from unified_exchanges.simulator.faults.frames import Label


@pytest.mark.parametrize(
    ("text", "kind", "market"),
    [
        ('{"type":"fill","msg":{"market_ticker":"M"}}', "fill", "M"),
        ('{"type":"ok","msg":{"ticker":"M"}}', "ok", "M"),
        ('{"type":"ok","msg":[]}', "ok", None),
        ('{"event_type":"trade","type":"TRADE","market":"0x1"}', "trade", "0x1"),
        ('[{"event_type":"book","market":"0x1"},{"event_type":"x"}]', "book", "0x1"),
        ("[]", "[]", None),
        ("PONG", "PONG", None),
    ],
)
def test_a_frame_is_named_by_what_it_says(text, kind, market) -> None:
    label = Label.of(text)
    assert (label.kind, label.market, label.is_command) == (kind, market, False)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ('{"cmd":"subscribe"}', "subscribe"),
        ('{"operation":"unsubscribe","assets_ids":[]}', "unsubscribe"),
        ('{"auth":{},"type":"user"}', "user"),
        ('{"cmd":1}', ""),
        ("{}", ""),
        ("PING", "PING"),
        (b"\xff", ""),
        (b"PING", ""),
    ],
)
def test_a_command_is_named_by_what_it_says(data, kind) -> None:
    label = Label.of_command(data)
    assert (label.kind, label.is_command) == (kind, True)
