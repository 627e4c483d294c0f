"""Idempotency keys: each leaves once, unless what became of it is not known."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .. import fork

__all__ = ["SentKeys"]

_MOST: Final = 200_000


class SentKeys:
    """Idempotency keys that this object has sent, so that an intent leaves once.

    With each is kept what kind of order it was sent with: venues do not tell that.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[str, str | None] = OrderedDict()
        self._free: set[str] = set()
        self._doubtful: set[str] = set()
        self._senders: dict[str, object] = {}
        """What is being sent with each key at this moment."""
        self._lock = fork.lock()

    def begin(self, key: str, kind: str | None, sender: object) -> bool:
        """Claim a key for what is to be sent with it; False if it was claimed before."""
        with self._lock:
            if key in self._keys and key not in self._free:
                return False
            # First: whoever is interrupted below must know that it has claimed the key.
            self._senders[key] = sender
            self._free.discard(key)
            if key not in self._keys:
                self._doubtful.discard(key)
                self._keys[key] = kind
                if len(self._keys) > _MOST:
                    dropped, _ = self._keys.popitem(last=False)
                    self._senders.pop(dropped, None)
            return True

    def is_sent_by(self, key: str, sender: object) -> bool:
        """Whether a key was claimed for this, and nothing was said of it since."""
        return self._senders.get(key) is sender

    def end(self, key: str, sender: object) -> None:
        """Say that it is known what became of this; its key stays claimed."""
        with self._lock:
            if self.is_sent_by(key, sender):
                del self._senders[key]

    def is_known(self, key: str) -> bool:
        """Whether a key was claimed, and not given back after a refusal."""
        return key in self._keys

    def kind(self, key: str) -> str | None:
        """What kind of order first left with a key; None if that is not known."""
        return self._keys.get(key)

    def release(self, key: str) -> None:
        """Let a key be sent again: whether its order exists is not known."""
        with self._lock:
            if key in self._keys:
                # Keys that were dropped for their number must not gather here.
                self._free &= self._keys.keys()
                self._doubtful &= self._keys.keys()
                # Before it is free: an interrupt must not leave it so without doubt.
                self._doubtful.add(key)
                self._free.add(key)
            self._senders.pop(key, None)

    def doubt(self, key: str) -> None:
        """Know that another process has sent a key that was claimed here."""
        with self._lock:
            self._doubtful.add(key)

    def is_doubtful(self, key: str) -> bool:
        """Whether an order that left with a key before may be at the venue."""
        return key in self._doubtful

    def forget(self, key: str) -> None:
        """Give a key back after the venue refused it for good."""
        with self._lock:
            self._keys.pop(key, None)
            self._free.discard(key)
            self._doubtful.discard(key)
            self._senders.pop(key, None)

    def give_back(self, key: str) -> None:
        """Give a key back of which this time nothing arrived, nor before as is known."""
        if self.is_doubtful(key):
            self.release(key)
        else:
            self.forget(key)
