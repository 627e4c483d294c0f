"""What an error says, whoever wrote its class: to tell a failure must not fail itself."""

from __future__ import annotations

__all__ = ["words_of"]


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
