"""What a database hands out: `Transaction` and `QueryStream`, and what handles have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NoReturn, Optional, Sequence, Tuple, Type

from . import _native
from .options import params_error, quoted
from .types import LoraParams, QueryResult

__all__ = ["Handle", "QueryStream", "Transaction"]

_MODES = {
    "read_write": False,
    "readwrite": False,
    "rw": False,
    "read_only": True,
    "readonly": True,
    "ro": True,
}


def read_only_mode(mode: str) -> bool:
    try:
        return _MODES[mode]
    except (KeyError, TypeError):
        raise params_error("mode must be one of %s, not %s" % (", ".join(_MODES), quoted(mode))) from None


class Handle:
    """Base of everything that stands for something in the engine: there is one of each."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("cannot copy or pickle a %s" % type(self).__name__)


def statement_pairs(statements: Sequence[Mapping[str, Any]]) -> List[Tuple[str, Optional[LoraParams]]]:
    """Checks the statements of `Database.transaction`."""
    if isinstance(statements, (str, bytes, Mapping)) or not isinstance(statements, Iterable):
        raise params_error("statements must be a sequence of mappings, not `%s`" % type(statements).__name__)
    pairs = []
    for index, statement in enumerate(statements):
        if not isinstance(statement, Mapping) or "query" not in statement:
            raise params_error("statements[%d] must be a mapping with `query`" % index)
        for key in statement:
            if key not in ("query", "params"):
                message = "statements[%d] has the unknown key %s; known are query, params"
                raise params_error(message % (index, quoted(key)))
        pairs.append((statement["query"], statement.get("params")))
    return pairs


class QueryStream(Handle):
    """Rows of a query, one at a time, without holding them all.

    A stream sees the database as of the moment it was made. A writing stream commits when it is exhausted and rolls
    back when it is closed early. Made by `Database.stream`; usable from any thread, one at a time.

    Examples
    --------
    >>> from lora_python import Database
    >>> stream = Database().stream("UNWIND range(1, 3) AS n RETURN n")
    >>> stream.columns()
    ['n']
    >>> [row["n"] for row in stream]
    [1, 2, 3]
    """

    __slots__ = ("_native", "_columns", "_rows", "_next", "__weakref__")

    def __init__(self, native: _native.Stream) -> None:
        self._native: Optional[_native.Stream] = native
        self._columns = native.columns()
        self._rows: List[Dict[str, Any]] = []
        self._next = 0

    def columns(self) -> List[str]:
        """Names of the columns, in order.

        Returns
        -------
        list of str

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().stream("RETURN 1 AS one, 2 AS two").columns()
        ['one', 'two']
        """
        return list(self._columns)

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return self

    def __next__(self) -> Dict[str, Any]:
        if self._next >= len(self._rows):
            if not self._fetch():
                raise StopIteration
        row = self._rows[self._next]
        self._next += 1
        return row

    def _fetch(self) -> bool:
        """Reads the next batch of rows; False at the end. Iteration calls it; it is here for other front ends."""
        native = self._native
        if native is None:
            return False
        try:
            rows = native.next_batch()
        except BaseException:
            self.close()
            raise
        if self._native is not native:  # closed meanwhile, from another thread or a signal handler
            return False
        self._rows, self._next = rows, 0
        if not rows:
            self._native = None
        return bool(rows)

    def _take_batch(self) -> List[Dict[str, Any]]:
        """The rows read but not yet handed out."""
        rows, self._rows, self._next = self._rows[self._next :], [], 0
        return rows

    def close(self) -> None:
        """Ends the stream; a writing stream that is not exhausted is rolled back. Idempotent.

        Examples
        --------
        >>> from lora_python import Database
        >>> stream = Database().stream("UNWIND range(1, 1000000000) AS n RETURN n")
        >>> stream.close()
        >>> list(stream)
        []
        """
        native, self._native = self._native, None
        self._rows, self._next = [], 0
        if native is not None:
            native.close()

    def __enter__(self) -> QueryStream:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Transaction(Handle):
    """Several statements that become visible and durable together.

    Made by `Database.begin`. As a context manager it commits at the end of the block, or rolls back when an exception
    leaves it. An error of one statement undoes that statement only.

    Examples
    --------
    >>> from lora_python import Database
    >>> db = Database()
    >>> with db.begin() as tx:
    ...     _ = tx.execute("CREATE (:Person {name: 'Ada'})")
    ...     tx.execute("MATCH (p:Person) RETURN count(*) AS people")["rows"]
    [{'people': 1}]
    >>> db.node_count
    1
    """

    __slots__ = ("_native", "_ended", "__weakref__")

    def __init__(self, native: _native.Transaction) -> None:
        self._native = native
        self._ended = False

    def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a statement inside the transaction; it sees the transaction's own writes.

        Parameters
        ----------
        query : str
        params : mapping, optional
        timeout : float, optional
            Seconds.

        Returns
        -------
        QueryResult

        Raises
        ------
        LoraQueryError, InvalidParamsError

        Examples
        --------
        >>> from lora_python import Database
        >>> with Database().begin() as tx:
        ...     _ = tx.execute("CREATE (:Person {name: $name})", {"name": "Ada"})
        ...     tx.execute("MATCH (p:Person) RETURN p.name AS name")["rows"]
        [{'name': 'Ada'}]
        """
        return self._native.execute(query, params, timeout, 0)

    def commit(self) -> None:
        """Makes the writes visible and, as the sync level says, durable.

        Raises
        ------
        LoraQueryError
            ``LORA_TRANSACTION`` when it has ended already, ``LORA_IO`` or ``LORA_DISK_FULL`` when the writes could not
            be stored.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> tx = db.begin()
        >>> _ = tx.execute("CREATE (:A)")
        >>> tx.commit()
        >>> db.node_count
        1
        """
        try:
            self._native.commit()
        finally:
            self._ended = not self._native.open()

    def rollback(self) -> None:
        """Drops the writes. Idempotent.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> tx = db.begin()
        >>> _ = tx.execute("CREATE (:A)")
        >>> tx.rollback()
        >>> db.node_count
        0
        """
        self._native.rollback()
        self._ended = True

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._ended:
            return
        if kind is None:
            self.commit()  # also when close() has ended it: the block must not look like a success
        else:
            self.rollback()
