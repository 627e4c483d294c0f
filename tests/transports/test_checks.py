"""What is asked once more when there is a connection, before the first byte leaves."""

from __future__ import annotations

import pytest

from unified_exchanges.errors import Halted, RequestTimeout, UnifiedExchangesError
from unified_exchanges.flow import Request

from .conftest import Client, Server
from .rawserver import http
from .test_answers import always


@pytest.mark.parametrize("kind", [Halted, RequestTimeout])
def test_fault_24_a_request_that_is_not_wanted_any_more_sends_no_byte(
    serve: Server, client: Client, kind: type[UnifiedExchangesError]
) -> None:
    def check() -> None:
        raise kind("stopped while it connected")

    server = serve(always(http()))
    with pytest.raises(kind, match="while it connected"):
        client.send(Request("POST", f"{server.url}/orders", body=b"{}", check=check))
    assert server.requests == []
    # The next one, of which nobody asks, goes its way.
    answer = client.send(Request("GET", f"{server.url}/orders"))
    assert (answer.status, len(server.requests)) == (200, 1)


def test_it_is_asked_as_well_where_there_is_a_connection_already(
    serve: Server, client: Client
) -> None:
    def check() -> None:
        raise Halted("stopped")

    server = serve(always(http()))
    client.send(Request("GET", f"{server.url}/orders"))
    with pytest.raises(Halted):
        client.send(Request("POST", f"{server.url}/orders", body=b"{}", check=check))
    assert len(server.requests) == 1


def test_a_request_that_is_still_wanted_leaves(serve: Server, client: Client) -> None:
    server = serve(always(http()))
    asked: list[bool] = []
    request = Request(
        "POST", f"{server.url}/orders", body=b"{}", check=lambda: asked.append(True)
    )
    assert client.send(request).status == 200
    assert asked == [True]
