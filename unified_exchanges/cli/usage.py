"""What is said of a command line that cannot be understood."""

from __future__ import annotations

import sys
from typing import Any

from typer.core import TyperGroup

from .screen import UNBOUNDED

__all__ = ["Commands"]


class Commands(TyperGroup):
    """All commands.  Where nobody sees stderr as it comes, errors have no frame.

    A frame is 80 columns wide and cuts what is longer: neither `grep` nor whoever copies a
    path out of a log would find it whole.
    """

    def main(self, *args: Any, **fields: Any) -> Any:
        """Run a command."""
        if sys.stderr.isatty():
            return super().main(*args, **fields)
        framed, self.rich_markup_mode = self.rich_markup_mode, None
        try:
            return super().main(*args, **{"terminal_width": UNBOUNDED, **fields})
        finally:
            self.rich_markup_mode = framed

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help, which is what was asked for, as ever."""
        self.rich_markup_mode = "rich"
        super().format_help(ctx, formatter)
