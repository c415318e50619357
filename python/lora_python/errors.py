"""Exceptions of the package: one tree, with stable codes."""

from __future__ import annotations

from typing import Optional

__all__ = ["InvalidParamsError", "LoraError", "LoraQueryError"]


class LoraError(Exception):
    """Base class of every error that a user can cause.

    Attributes
    ----------
    code : str or None
        Stable code, ``LORA_...``. The message text may improve between versions; the code stays.
    type, phase, detail : str or None
        The words of the openCypher standard where they apply: ``"SyntaxError"``, ``"compile time"`` or
        ``"runtime"``, ``"UndefinedVariable"``.
    line, column, offset : int or None
        Where in the query: line and column from 1 (columns in characters), offset in bytes from 0.

    Examples
    --------
    >>> from lora_python import Database, LoraError
    >>> try:
    ...     Database().execute("RETURN nobody")
    ... except LoraError as error:
    ...     print(error.code, error.detail, error.line, error.column)
    LORA_SEMANTIC UndefinedVariable 1 8
    """

    code: Optional[str] = None
    type: Optional[str] = None
    phase: Optional[str] = None
    detail: Optional[str] = None
    line: Optional[int] = None
    column: Optional[int] = None
    offset: Optional[int] = None


class LoraQueryError(LoraError):
    """Parsing, planning, running, opening, storing or restoring failed; ``code`` says what."""


class InvalidParamsError(LoraError):
    """A parameter or option has a value of the wrong type or range, or an option is unknown."""
