"""A stream is kept running, by all three drivers alike."""

from __future__ import annotations

from .conftest import Open, Start
from .venue import Visit


def test_what_the_venue_tells_arrives_in_order(venue: Open, runner: Start) -> None:
    def tell(visit: Visit) -> None:
        visit.say("one", "two", "three")
        visit.serve()

    stream = runner(venue(tell).url)
    stream.wait_connected()
    assert stream.wait(lambda: len(stream.texts) == 3)
    assert stream.texts == ["one", "two", "three"]


def test_a_stream_that_is_closed_says_goodbye(venue: Open, runner: Start) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.wait_connected()
    stream.close()
    assert server.wait(lambda: bool(server.codes))
    assert server.codes == [1000]
    assert stream.ends == [None]
    assert stream.health().state == "stopped"


def test_what_is_followed_later_is_asked_for_at_once(
    venue: Open, runner: Start
) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.wait_connected()
    stream.follow("A", "B")
    assert stream.wait(lambda: stream.protocol.confirmed == {"A", "B"})
    assert server.commands == ["follow A", "follow B"]


def test_fault_35_p11_everything_is_followed_again_after_a_break(
    venue: Open, runner: Start
) -> None:
    def leave(visit: Visit) -> None:
        visit.listen()
        visit.cut()

    server = venue(leave, Visit.serve)
    stream = runner(server.url)
    stream.follow("A")
    stream.start()
    assert stream.wait(lambda: len(stream.named("Reconnected")) == 1)
    assert stream.wait(lambda: stream.texts == ["ok A", "ok A"])
    assert server.commands == ["follow A", "follow A"]
    assert len(stream.named("Gap")) == 1
