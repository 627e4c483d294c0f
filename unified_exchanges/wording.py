"""What an error says, whoever wrote its class: to tell a failure must not fail itself."""

from __future__ import annotations

from contextlib import suppress

__all__ = ["add_note", "headline_of", "installed_by", "notes_of", "words_of"]


def words_of(error: BaseException) -> str:
    """The words of an error; where its ``__str__`` raises, that it does.

    >>> words_of(ValueError("no price"))
    'no price'
    """
    try:
        return str(error)
    except KeyboardInterrupt:  # that of the user
        raise
    except BaseException as broken:  # noqa: BLE001 - code of others may raise anything
        return f"(it cannot be said: its __str__ raised {type(broken).__name__})"


def headline_of(error: BaseException) -> str:
    """The kind and the words of an error, as the last line of a traceback has them.

    >>> headline_of(ValueError("no price"))
    'ValueError: no price'
    """
    said = words_of(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def notes_of(error: BaseException) -> list[str]:
    """The notes of an error, whatever its class made of them.

    >>> notes_of(ValueError("no price"))
    []
    """
    try:
        found = getattr(error, "__notes__", ())
        if not isinstance(found, list | tuple):
            found = [found]
        return [x if isinstance(x, str) else repr(x) for x in found]
    except KeyboardInterrupt:  # that of the user
        raise
    except BaseException as broken:  # noqa: BLE001 - code of others may raise anything
        return [f"(its notes cannot be said: {type(broken).__name__})"]


def add_note(error: BaseException, note: str) -> None:
    """Add a note, also where the class of the error holds no list of them.

    One that holds nothing at all goes without: to tell a failure must not fail itself.

    >>> found = ValueError("no price")
    >>> add_note(found, "the book was empty")
    >>> notes_of(found)
    ['the book was empty']
    """
    try:
        error.add_note(note)
    except KeyboardInterrupt:  # that of the user
        raise
    except BaseException:  # noqa: BLE001 - code of others may raise anything
        with suppress(Exception):
            # An exception's own attribute, past what its class does about it.
            BaseException.__setattr__(error, "__notes__", [*notes_of(error), note])


def installed_by(extra: str) -> str:
    """How an extra is installed: no index has the library yet, so that a name finds none.

    >>> installed_by("research")
    "python -m pip install '.[research]' in a clone of the repository"
    """
    return f"python -m pip install '.[{extra}]' in a clone of the repository"
