"""A book that knows whether it still holds."""

from __future__ import annotations

from .book import Book
from .freshness import Life, Listener

__all__ = ["LiveBook"]


class LiveBook(Book):
    """A book and where it stands.

    ``is_live``: it is whole, and changes apply.  ``was_loaded``: it once was.  ``moment``
    is Unix milliseconds of the last change.  ``life`` is that of its state, once it was
    read: whoever changes that ends it.
    """

    __slots__ = ("_listener", "is_live", "life", "moment", "was_loaded")

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener
        self.is_live = False
        self.was_loaded = False
        self.life: Life | None = None
        self.moment = 0

    def make_whole(self) -> None:
        """A snapshot was loaded: it is whole, and what was read before is no more."""
        self.renew()
        self.is_live = self.was_loaded = True

    def renew(self) -> None:
        """It changed: what was read before is no more."""
        if self.life is not None:
            self.life.end()
            self.life = None

    def spoil(self) -> None:
        """It may have changed unseen: keep it as it is, apply nothing more."""
        if self.is_live:
            self.read_life().end()
            self.is_live = False

    def read_life(self) -> Life:
        """The life of its state, for what is read of it."""
        life = self.life
        if life is None:
            life = self.life = Life(self._listener)
        return life
