"""Reading a private key from a file that only its owner may use."""

from __future__ import annotations

import os
import re
import stat
import warnings
from pathlib import Path
from shlex import quote

from .errors import AuthenticationError, BadRequest

__all__ = ["KeyFile"]

_BARE_KEY = re.compile(r"[A-Za-z0-9+/=_\s-]{20,}")
_MOST_BYTES = 65_536
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_POSIX = os.name == "posix"


class KeyFile:
    """A key file by its name; ``source`` says in errors where the name came from.

    ``form`` is what the venue takes instead of a path, such as ``"PEM text"``.  A name
    that may be a key is not shown, unless ``shown`` says that it is a path for certain.
    """

    __slots__ = ("_form", "_name", "_venue", "label")

    def __init__(
        self, name: str, source: str, *, form: str, venue: str, shown: bool = False
    ) -> None:
        hidden = not shown and _BARE_KEY.fullmatch(name)
        self._name = name
        self._form = form
        self._venue = venue
        self.label = (
            f"{source} {'(not shown: it may be a key)' if hidden else repr(name)}"
        )

    def read(self) -> bytes:
        """What the file holds.

        Raises `AuthenticationError` if others may use it or it is a symbolic link,
        `BadRequest` if it cannot be read.
        """
        descriptor = self._open()
        if isinstance(descriptor, str):
            # Not while the system's error is at hand, which names the file: it may be a
            # key in the wrong place.
            raise BadRequest(
                f"{self.label} is neither {self._form} nor a file that can be read: "
                f"{descriptor}",
                venue=self._venue,
            )
        try:
            # What is open is asked, not the name, which may point elsewhere by now.
            self._check_access(os.fstat(descriptor))
            return os.read(descriptor, _MOST_BYTES)
        finally:
            os.close(descriptor)

    def _open(self) -> int | str:
        """The open file's descriptor, or why there is none."""
        # Without blocking: opening a pipe would wait for its writer.  Without following: a
        # link can be turned to another file by whoever owns its folder.
        flags = os.O_RDONLY
        for flag in ("O_NONBLOCK", "O_NOFOLLOW"):
            flags |= getattr(os, flag, 0)
        try:
            path = Path(self._name).expanduser()
            self._refuse_link(path)
            return os.open(path, flags)
        except (OSError, ValueError, RuntimeError) as error:
            return getattr(error, "strerror", None) or "not a path"

    def _refuse_link(self, path: Path) -> None:
        if path.is_symlink():
            raise AuthenticationError(
                f"{self.label} is a symbolic link, which may point elsewhere tomorrow; "
                f"pass the file itself: {quote(str(path.resolve()))}",
                venue=self._venue,
            )

    def _check_access(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            kind = "directory" if stat.S_ISDIR(status.st_mode) else "special file"
            raise BadRequest(
                f"{self.label} is a {kind}, not a key file", venue=self._venue
            )
        if not _POSIX:
            warnings.warn(
                f"{self.label}: who may read the file cannot be checked on this system; "
                "make sure that only you can",
                stacklevel=6,
            )
            return
        fix = f"chmod 600 {quote(self._name)}"
        if status.st_uid != os.geteuid():
            raise AuthenticationError(
                f"{self.label} belongs to another user (uid {status.st_uid}); make it "
                f'yours: sudo chown "$(id -u)" {quote(self._name)} && {fix}',
                venue=self._venue,
            )
        if status.st_mode & _OTHERS:
            raise AuthenticationError(
                f"{self.label} can be used by others (mode "
                f"{status.st_mode & 0o777:04o}); make it yours alone: {fix}",
                venue=self._venue,
            )
