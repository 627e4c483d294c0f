"""What is done to each library, and how what is seen then is put into words.

A scenario gets a fresh venue and a fresh process, and returns what was observed: by the
caller in that process, and at the venue.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import attrs
from peer import Answer, Peer
from scene import PAGE, Scene

from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import (
    Fault,
    StreamFault,
    redirected,
    too_many_requests,
    unavailable,
)
from unified_exchanges.simulator.server import SimulatorServer

__all__ = ["SCENARIOS", "Scenario"]

Act: TypeAlias = Callable[[Scene, Peer], str]

_CREATE = {"method": "POST", "path": "/orders$"}
_LOW = 0.29
_FOREVER = 3600.0


@attrs.frozen(kw_only=True)
class Scenario:
    """One row of the table, and the settings of its scene and of the peer in it."""

    id: str
    title: str
    group: str
    act: Act
    venue: Mapping[str, Any] = attrs.field(factory=dict)
    peer: Mapping[str, Any] = attrs.field(factory=dict)


SCENARIOS: list[Scenario] = []


def scenario(group: str, title: str, **venue: Any) -> Callable[[Act], Act]:
    """Add a row."""

    def add(act: Act) -> Act:
        SCENARIOS.append(
            Scenario(id=act.__name__, title=title, group=group, act=act, venue=venue)
        )
        return act

    return add


def many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def create(scene: Scene, peer: Peer, **more: Any) -> Answer:
    arguments = {"price": _LOW, "size": 5, **more}
    return peer.ask("create", market=scene.market.market_id, **arguments)


def placed(scene: Scene, answer: Answer) -> str:
    """What the caller was told of a create, and what there is at the venue."""
    sent = scene.requests.count("POST", "/orders")
    ids = {body.get("client_order_id") for body in scene.bodies("POST")}
    under = ""
    if sent > 1 and ids:
        under = (
            " without a client order id"
            if ids == {None}
            else f" under {many(len(ids), 'client order id')}"
        )
    return (
        f"{answer.told}; {many(len(scene.orders()), 'order')} at the venue;"
        f" sent {many(sent, 'time')}{under}"
    )


def created_with(fault: Fault) -> Act:
    def act(scene: Scene, peer: Peer) -> str:
        scene.requests.add(fault)
        answer = create(scene, peer)
        met(scene.requests.struck)
        return placed(scene, answer)

    return act


def met(struck: Sequence[object]) -> None:
    """A fault that nothing met would prove nothing."""
    if not struck:
        raise RuntimeError("the fault was not met")


def row(group: str, name: str, title: str, fault: Fault, **peer: Any) -> None:
    """A create that meets a fault."""
    act = created_with(fault)
    SCENARIOS.append(Scenario(id=name, title=title, group=group, act=act, peer=peer))


# -- creates ---------------------------------------------------------------------------

ORDERS = "Orders"
row(
    ORDERS,
    "create_answer_lost",
    "Create: the venue places it, the connection breaks before the answer",
    Fault("drop", **_CREATE),
)
row(
    ORDERS,
    "create_every_answer_lost",
    "The same, and so does every later try",
    Fault("drop", count=None, **_CREATE),
)
row(
    ORDERS,
    "create_no_answer",
    "Create: the venue places it, the answer does not come in time, ever",
    Fault("stall", count=None, **_CREATE),
)
row(
    ORDERS,
    "create_no_answer_retries",
    "The same, with retries on where they are off by default (three)",
    Fault("stall", count=None, **_CREATE),
    retries=3,
)
row(
    ORDERS,
    "create_lost_before",
    "Create: the connection breaks before the venue has placed it",
    Fault("drop", commits=False, **_CREATE),
)


@scenario(ORDERS, "Create: placed, then answered by 500 / 502 / 503 / 504 instead")
def create_unavailable(scene: Scene, peer: Peer) -> str:
    found: dict[str, list[str]] = {}
    for status in (500, 502, 503, 504):
        before, sent = len(scene.orders()), scene.requests.count("POST", "/orders")
        scene.requests.add(unavailable(status, commits=True, **_CREATE))
        answer = create(scene, peer)
        orders = len(scene.orders()) - before
        times = scene.requests.count("POST", "/orders") - sent
        fact = f"{answer.told}; {many(orders, 'order')}; sent {many(times, 'time')}"
        found.setdefault(fact, []).append(str(status))
    return ". ".join(f"{'/'.join(codes)}: {fact}" for fact, codes in found.items())


row(
    ORDERS,
    "create_truncated",
    "Create: placed, the answer's body is cut off",
    Fault("truncate", keep=20, **_CREATE),
)
row(
    ORDERS,
    "create_page",
    "Create: placed, the answer is a page of HTML with status 200",
    Fault(
        "answer",
        status=200,
        headers={"content-type": "text/html"},
        body=b"<html>hello</html>",
        **_CREATE,
    ),
)
row(
    ORDERS,
    "create_too_fast",
    "Create: refused with 429, three times if asked so often",
    too_many_requests(count=3, **_CREATE),
)


@scenario(ORDERS, "The same client order id twice, same terms")
def duplicate_id(scene: Scene, peer: Peer) -> str:
    create(scene, peer, client_order_id="intent-1")
    answer = create(scene, peer, client_order_id="intent-1")
    return f"second call {placed(scene, answer)}"


@scenario(ORDERS, "Cancel: the HTTP layer sends it twice, the second is told 404")
def cancel_twice(scene: Scene, peer: Peer) -> str:
    order = create(scene, peer).value
    scene.requests.add(Fault("duplicate", method="DELETE"))
    answer = peer.ask("cancel", market=scene.market.market_id, order_id=order["id"])
    met(scene.requests.struck)
    return f"{answer.told}; {many(scene.resting(), 'order')} open at the venue"


@scenario(ORDERS, "Cancel of an order on another of Kalshi's shards", shard=2)
def cancel_elsewhere(scene: Scene, peer: Peer) -> str:
    order = create(scene, peer).value
    answer = peer.ask("cancel", market=scene.market.market_id, order_id=order["id"])
    return f"{answer.told}; {many(scene.resting(), 'order')} open at the venue"


@scenario(ORDERS, "Cancel: the request is lost, always")
def cancel_lost(scene: Scene, peer: Peer) -> str:
    order = create(scene, peer).value
    scene.requests.add(Fault("drop", method="DELETE", commits=False, count=None))
    answer = peer.ask("cancel", market=scene.market.market_id, order_id=order["id"])
    met(scene.requests.struck)
    return f"{answer.told}; {many(scene.resting(), 'order')} open at the venue"


def raced(scene: Scene, peer: Peer, filled: int) -> str:
    """An order of 10 of which so many fill just before its cancel arrives."""
    bid = max(scene.book()[0])
    ahead = scene.book()[0][bid]
    order = create(scene, peer, price=float(bid), size=10).value

    def before(request: Request) -> Request:
        if request.method == "DELETE" and not hit:
            hit.append(request)
            scene.hit(str(ahead + filled))
        return request

    hit: list[Request] = []
    scene.kalshi.before = before
    answer = peer.ask("cancel", market=scene.market.market_id, order_id=order["id"])
    met(hit)
    [held] = scene.orders()
    told = answer.told
    if answer.raised is None:
        known = answer.value["filled"]
        told += ", nothing of fills" if known is None else f", filled {plain(known)}"
    return f"{told}; at the venue {held.status}, filled {plain(held.filled)} of 10"


def plain(number: object) -> str:
    return f"{Decimal(str(number)).normalize():f}"


@scenario(ORDERS, "Cancel: 3 of 10 fill just before it arrives")
def cancel_after_some(scene: Scene, peer: Peer) -> str:
    return raced(scene, peer, 3)


@scenario(ORDERS, "Cancel: all 10 fill just before it arrives")
def cancel_after_all(scene: Scene, peer: Peer) -> str:
    return raced(scene, peer, 10)


@scenario(ORDERS, "Prices 0.29, 0.295, 0.115 and 0.1 + 0.2 on a grid of 0.005")
def prices(scene: Scene, peer: Peer) -> str:
    found = []
    for price in (0.29, 0.295, 0.115, 0.1 + 0.2):
        sent = len(scene.bodies("POST"))
        answer = create(scene, peer, price=price, size=1)
        bodies = scene.bodies("POST")[sent:]
        came = "not sent" if not bodies else f"sent as {bodies[0]['price']}"
        raised = f", {answer.told}" if answer.raised else ""
        found.append(f"{price!r} {came}{raised}")
    return "; ".join(found)


@scenario(ORDERS, "An order whose status is a word that nobody knows")
def unknown_word(scene: Scene, peer: Peer) -> str:
    order = create(scene, peer).value
    scene.rewrite(rb'"status":\s*"resting"', b'"status":"levitating"', "/orders")
    answer = peer.ask("order", market=scene.market.market_id, order_id=order["id"])
    return answer.told


# -- reads -----------------------------------------------------------------------------

READS = "Lists and reads"


def listed(scene: Scene, answer: Answer) -> str:
    """How much of the markets came, and how often the venue was asked."""
    asked = scene.requests.count("GET", "/markets")
    every = scene.listed
    # How often depends on how long it was let go on.
    often = "without end" if answer.is_silent else many(asked, "request")
    if answer.raised or answer.is_silent:
        return f"{answer.told}; {often}"
    counted = Counter(answer.value)
    missing = len(every - counted.keys())
    again = sum(count - 1 for count in counted.values())
    parts = [f"returned {len(answer.value)} of {len(every)}"]
    parts += [f"{missing} missing"] if missing else []
    parts += [f"{again} of them twice or more often"] if again else []
    return f"{', '.join(parts)}; {often}"


@scenario(READS, f"Markets, {PAGE} on a page: all is well")
def pages_whole(scene: Scene, peer: Peer) -> str:
    scene.short_pages()
    return listed(scene, peer.ask("markets"))


@scenario(READS, "Markets: the second page is answered by 503, always")
def page_fails(scene: Scene, peer: Peer) -> str:
    scene.short_pages()
    scene.requests.add(unavailable(503, path="/markets$", nth=2, count=None))
    answer = peer.ask("markets")
    met(scene.requests.struck)
    return listed(scene, answer)


@scenario(READS, "Markets: the cursor repeats, so that page one comes for ever")
def cursor_repeats(scene: Scene, peer: Peer) -> str:
    scene.short_pages()
    short = scene.kalshi.before
    assert short is not None

    def before(request: Request) -> Request:
        kept = tuple(x for x in short(request).query if x[0] != "cursor")
        return attrs.evolve(request, query=kept)

    scene.kalshi.before = before
    return listed(scene, peer.ask("markets"))


@scenario(READS, "Markets: the second page begins with the last item of the first")
def item_twice(scene: Scene, peer: Peer) -> str:
    scene.short_pages()
    last: list[Any] = []

    def after(request: Request, answer: Response) -> Response:
        if not request.url.endswith("/markets"):
            return answer
        page = json.loads(answer.body)
        if len(last) == 1:
            page["markets"].insert(0, last[0])
        last.append(page["markets"][-1])
        return attrs.evolve(answer, body=json.dumps(page).encode())

    scene.kalshi.after = after
    return listed(scene, peer.ask("markets"))


def bursting(scene: Scene, peer: Peer, headers: Mapping[str, str]) -> str:
    """Twenty calls at once, the first of which is refused for speed."""
    peer.ask("balance")
    scene.requests.add(too_many_requests(path="/balance", headers=headers))
    start = len(scene.requests.asked)
    answer = peer.ask("burst", count=20)
    met(scene.requests.struck)
    times = [at for at, _, path in scene.requests.asked[start:] if "/balance" in path]
    said = Counter(answer.value)
    parts = [f"{said.pop('ok', 0)} of 20 answered"]
    parts += [f"{count} raised {name}" for name, count in said.items()]
    parts.append(many(len(times), "request"))
    if "retry-after" in headers:
        # What had left already may come a moment later.
        pause = [t for t in times if 0.5 < t - times[0] < 2]
        parts.append(f"{'some' if pause else 'none'} of them during the pause")
    return "; ".join(parts)


@scenario(READS, "20 reads at once, the first refused with 429 and Retry-After: 2")
def burst_with_hint(scene: Scene, peer: Peer) -> str:
    hint = {"retry-after": "2", "content-type": "application/json"}
    return bursting(scene, peer, hint)


@scenario(READS, "20 reads at once, the first refused with 429 without a hint")
def burst_without_hint(scene: Scene, peer: Peer) -> str:
    return bursting(scene, peer, {"content-type": "application/json"})


@scenario(READS, "A market that does not exist")
def unknown_market(scene: Scene, peer: Peer) -> str:  # noqa: ARG001
    return peer.ask("market", market="NO-SUCH-MARKET").told


@scenario(READS, "This machine's clock is 10 s fast", clock_off=-10.0)
def clock_fast(scene: Scene, peer: Peer) -> str:
    balance, order = peer.ask("balance"), create(scene, peer)
    return f"balance: {balance.told}; create: {order.told}"


@scenario(READS, "This machine's clock is 10 s slow", clock_off=10.0)
def clock_slow(scene: Scene, peer: Peer) -> str:
    return clock_fast(scene, peer)


@scenario(READS, "This machine's clock is a minute fast", clock_off=-60.0)
def clock_wrong(scene: Scene, peer: Peer) -> str:
    return clock_fast(scene, peer)


# -- streams ---------------------------------------------------------------------------

STREAMS = "Streams"


def followed(scene: Scene, peer: Peer) -> Answer:
    return peer.ask("follow", market=scene.market.market_id)


def compared(scene: Scene, peer: Peer, seconds: float) -> str:
    """The book in that process beside the venue's, and what says that it may be wrong."""
    answer = peer.ask("book")
    if answer.raised or answer.is_silent:
        return answer.told
    book, signs = answer.value
    told = f"told {', '.join(signs)}" if signs else "no sign of it"
    if book is None:
        return f"no book after {seconds:.0f} s; {told}"
    sides = [
        {Decimal(price): Decimal(size) for price, size in side.items()} for side in book
    ]
    verdict = "right" if sides == scene.book() else "wrong"
    return f"book {verdict} after {seconds:.0f} s; {told}"


def disturbed(fault: StreamFault, seconds: float) -> Act:
    """A stream of a book that meets a fault; the book some seconds later."""

    def act(scene: Scene, peer: Peer) -> str:
        answer = followed(scene, peer)
        if answer.raised or answer.is_silent:
            return answer.told
        scene.frames.add(fault)
        time.sleep(0.5)
        scene.change("7")
        time.sleep(0.5)
        scene.change("11")
        time.sleep(seconds - 0.5)
        met(scene.frames.struck)
        return compared(scene, peer, seconds)

    return act


def stream_row(name: str, title: str, fault: StreamFault, seconds: float) -> None:
    """A book under a fault of the stream."""
    SCENARIOS.append(
        Scenario(id=name, title=title, group=STREAMS, act=disturbed(fault, seconds))
    )


stream_row(
    "gap",
    "Book: a message is lost, so that its number is missing",
    StreamFault("drop", frame="orderbook_delta"),
    4,
)
stream_row(
    "reset",
    "Book: the connection breaks",
    StreamFault("reset", frame="orderbook_delta"),
    6,
)
stream_row(
    "closed",
    "Book: the server closes the connection in due form",
    StreamFault("close", frame="orderbook_delta"),
    6,
)
stream_row(
    "silent",
    "Book: the socket lives and pings go on, and nothing more is told",
    StreamFault("silence", after=0, seconds=_FOREVER, pings=True, pongs=True),
    40,
)
stream_row(
    "half_open",
    "Book: the other end is gone without a word",
    StreamFault("half_open", after=0, seconds=_FOREVER),
    12,
)


def bought(scene: Scene, peer: Peer, fault: StreamFault, seconds: float) -> str:
    """Two fills of which a fault befalls the stream."""
    answer = peer.ask("follow_fills")
    if answer.raised or answer.is_silent:
        return answer.told
    scene.frames.add(fault)
    ask = float(min(scene.book()[1]))
    for _ in range(2):
        create(scene, peer, price=ask, size=1)
    time.sleep(seconds)
    met(scene.frames.struck)
    told = peer.ask("fills").value
    return f"{many(len(told), 'fill')} told, {len(set(told))} of the 2 there were"


@scenario(STREAMS, "Fills: each is told twice")
def fill_twice(scene: Scene, peer: Peer) -> str:
    fault = StreamFault("duplicate", frame="fill", count=None)
    return bought(scene, peer, fault, 2)


@scenario(STREAMS, "Fills: one is lost on the way, 20 s later")
def fill_lost(scene: Scene, peer: Peer) -> str:
    return bought(scene, peer, StreamFault("drop", frame="fill"), 20)


@scenario(STREAMS, "Fills: a field has a word that nobody knows")
def fill_word(scene: Scene, peer: Peer) -> str:
    fault = StreamFault("alter", frame="fill", field="msg.action", value="levitate")
    return bought(scene, peer, fault, 8)


@scenario(STREAMS, "Book of a market that does not exist")
def follow_unknown(scene: Scene, peer: Peer) -> str:
    answer = peer.ask("follow", market="NO-SUCH-MARKET")
    if answer.raised or answer.is_silent:
        return answer.told
    time.sleep(3)
    return compared(scene, peer, 3)


# -- keys ------------------------------------------------------------------------------

KEYS = "Keys"


@scenario(
    KEYS,
    "Secrets in errors (text, traceback, attributes, headers) and the log at DEBUG",
)
def secrets(scene: Scene, peer: Peer) -> str:
    scene.requests.add(Fault("drop", **_CREATE))
    create(scene, peer)
    scene.requests.add(unavailable(401, path="/balance", body=b'{"error":"no"}'))
    peer.ask("balance")
    create(scene, peer, price=0.12345)
    followed(scene, peer)
    time.sleep(1)
    places = {
        "text of errors": "\n".join(answer.text for answer in peer.answers),
        "attributes of errors": "\n".join(x.attributes for x in peer.answers),
        "log": peer.log,
    }
    found = []
    for place, text in places.items():
        shown = [
            name
            for name, words in scene.secrets().items()
            if any(word in text for word in words)
        ]
        found += [f"{', '.join(shown)} in the {place}"] if shown else []
    return "; ".join(found) or "none found"


class Elsewhere:
    """Another host: it keeps what it is sent."""

    def __init__(self) -> None:
        self.came: list[Request] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:  # noqa: ARG002
        self.came.append(request)
        return Response(200, {"content-type": "application/json"}, b"{}")


@scenario(KEYS, "A read is redirected to another host")
def redirect(scene: Scene, peer: Peer) -> str:
    other = Elsewhere()
    with SimulatorServer(other) as server:
        scene.requests.add(
            redirected(f"{server.url}/elsewhere", path="/balance", count=None)
        )
        answer = peer.ask("balance")
    met(scene.requests.struck)
    signed = [
        name
        for request in other.came[:1]
        for name in sorted(request.headers)
        if name.startswith("kalshi-access")
    ]
    if not other.came:
        return f"{answer.told}; nothing came to the other host"
    return f"{answer.told}; the other host got {', '.join(signed) or 'no keys'}"


def key_file(scene: Scene, peer: Peer) -> str:  # noqa: ARG001
    return peer.ask("key_file").told


SCENARIOS.append(
    Scenario(
        id="key_file",
        title="A key file that everybody may read (mode 0644)",
        group=KEYS,
        act=key_file,
        peer={"mode": 0o644},
    )
)
