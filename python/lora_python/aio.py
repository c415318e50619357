"""`AsyncDatabase`: the same surface for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import itertools
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Callable, Dict, Generator, Iterable, List, Mapping, Optional, Sequence, Type, TypeVar, Union

from . import _native
from .database import Database
from .handles import Handle, QueryStream, read_only_mode, statement_pairs
from .options import ImportFiles, boolean, import_files, import_separators, query_error
from .types import ImportCounts, LoraParams, QueryResult, SnapshotMeta

__all__ = ["AsyncDatabase", "AsyncQueryStream", "AsyncTransaction"]

_T = TypeVar("_T")


# Every task has a number of its own, beyond those that the engine gives to threads: a task that waits for a writer lock
# which it holds itself is told so at once. An id() could be used again while the lock is held.
_task_numbers: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()
_next_number = itertools.count(1 << 62)


def _owner() -> int:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop is running
        task = None
    if task is None:
        return 0
    number = _task_numbers.get(task)
    if number is None:
        number = _task_numbers[task] = next(_next_number)
    return number


# A handle has two pools. Calls that may wait for the writer have one of their own: however many wait there, what the
# holder of the writer still has to do, such as its commit, finds a free thread in the other one.
_WAITING_THREADS = 256
_THREADS = 64


class _Pool:
    """Threads of the handle, so that it does not starve the loop's default pool."""

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="lora")

    def submit(self, function: Callable[..., _T], *args: Any) -> asyncio.Future[_T]:
        loop = asyncio.get_running_loop()
        call = functools.partial(contextvars.copy_context().run, function, *args)
        try:
            return loop.run_in_executor(self._executor, call)
        except RuntimeError:
            # The pool is shut down: the handle is closed, every call ends at once.
            future: asyncio.Future[_T] = loop.create_future()
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)
            return future

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        return await self.submit(function, *args)

    async def run_cancellable(self, function: Callable[..., _T], *args: Any) -> _T:
        """Runs ``function(*args, token)``; cancelling the awaiting task stops the engine call."""
        token = _native.CancelToken()
        future = self.submit(function, *args, token)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            token.cancel()
            await _settle(future)
            raise

    async def run_to_end(self, function: Callable[..., _T], *args: Any) -> _T:
        """For calls that must not be left half-way: a cancellation is raised when the call is over."""
        future = self.submit(function, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _settle(future)
            raise

    def close(self) -> None:
        self._executor.shutdown(wait=False)


async def _settle(future: asyncio.Future[Any]) -> None:
    """Waits until the engine has let go; what it then says no longer matters."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()


class AsyncQueryStream(Handle):
    """Rows of a query as an async iterator. Made by `AsyncDatabase.stream`.

    Examples
    --------
    >>> import asyncio
    >>> from lora_python import AsyncDatabase
    >>> async def main():
    ...     async with await AsyncDatabase.create() as db:
    ...         return [row["n"] async for row in db.stream("UNWIND range(1, 3) AS n RETURN n")]
    >>> asyncio.run(main())
    [1, 2, 3]
    """

    def __init__(self, waiting: _Pool, pool: _Pool, open_stream: Callable[..., Any]) -> None:
        self._waiting = waiting
        self._pool = pool
        self._open: Optional[Callable[..., Any]] = open_stream
        self._stream: Optional[QueryStream] = None
        self._columns: Optional[List[str]] = None
        self._rows: List[Dict[str, Any]] = []
        self._next = 0

    async def _opened(self) -> Optional[QueryStream]:
        if self._open is not None:
            open_stream, self._open = self._open, None
            self._stream = QueryStream(await self._waiting.run_cancellable(open_stream))
            self._columns = self._stream.columns()
        return self._stream

    async def columns(self) -> List[str]:
        """Names of the columns, in order.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return await db.stream("RETURN 1 AS one").columns()
        >>> asyncio.run(main())
        ['one']
        """
        await self._opened()
        if self._columns is None:
            raise query_error("LORA_CLOSED", "the stream was closed before it began")
        return list(self._columns)

    def __aiter__(self) -> AsyncQueryStream:
        return self

    async def __anext__(self) -> Dict[str, Any]:
        if self._next >= len(self._rows):
            stream = await self._opened()
            if stream is None:
                raise StopAsyncIteration
            try:
                more = await self._pool.run(stream._fetch)
            except BaseException:
                await self.aclose()
                raise
            self._rows, self._next = stream._take_batch(), 0
            if not more:
                self._stream = None
                raise StopAsyncIteration
        row = self._rows[self._next]
        self._next += 1
        return row

    async def aclose(self) -> None:
        """Ends the stream early; idempotent.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         stream = db.stream("UNWIND range(1, 1000000) AS n RETURN n")
        ...         first = await stream.__anext__()
        ...         await stream.aclose()
        ...         return first
        >>> asyncio.run(main())
        {'n': 1}
        """
        self._open = None
        self._rows, self._next = [], 0
        stream, self._stream = self._stream, None
        if stream is not None:
            await self._pool.run_to_end(stream.close)

    close = aclose

    async def __aenter__(self) -> AsyncQueryStream:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()


class AsyncTransaction(Handle):
    """An explicit transaction for asyncio. Made by `AsyncDatabase.begin`."""

    def __init__(self, pool: _Pool, native: _native.Transaction) -> None:
        self._pool = pool
        self._native = native
        self._ended = False

    async def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a statement inside the transaction; see `Transaction.execute`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         async with db.begin() as tx:
        ...             return (await tx.execute("RETURN 1 AS one"))["rows"]
        >>> asyncio.run(main())
        [{'one': 1}]
        """
        return await self._pool.run_cancellable(self._native.execute, query, params, timeout, _owner())

    async def commit(self) -> None:
        """Makes the writes visible and durable.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         tx = await db.begin()
        ...         await tx.execute("CREATE (:A)")
        ...         await tx.commit()
        ...         return db.node_count
        >>> asyncio.run(main())
        1
        """
        try:
            await self._pool.run_to_end(self._native.commit)
        finally:
            self._ended = not self._native.open()

    async def rollback(self) -> None:
        """Drops the writes. Idempotent.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         tx = await db.begin()
        ...         await tx.execute("CREATE (:A)")
        ...         await tx.rollback()
        ...         return db.node_count
        >>> asyncio.run(main())
        0
        """
        await self._pool.run_to_end(self._native.rollback)
        self._ended = True

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._ended:
            return
        if kind is None:
            await self.commit()
        else:
            await self.rollback()


class _Begin:
    """What `AsyncDatabase.begin` returns: await it, or use it in ``async with``."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._transaction: Optional[AsyncTransaction] = None

    def __await__(self) -> Generator[Any, None, AsyncTransaction]:
        return self._start().__await__()  # type: ignore[no-any-return]

    async def __aenter__(self) -> AsyncTransaction:
        self._transaction = await self._start()
        return self._transaction

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._transaction is not None:
            await self._transaction.__aexit__(kind, error, trace)


class AsyncDatabase(Handle):
    """`Database` for asyncio: the same methods as coroutines, run on the handle's own threads.

    The event loop keeps running while queries do. Cancelling a task interrupts its query. `stream` returns an async
    iterator at once; `begin` can be awaited or used in ``async with``; the counts are properties.

    Examples
    --------
    >>> import asyncio
    >>> from lora_python import AsyncDatabase
    >>> async def main():
    ...     db = await AsyncDatabase.create()
    ...     await db.execute("CREATE (:Person {name: 'Ada'})")
    ...     result = await db.execute("MATCH (n:Person) RETURN n.name AS name")
    ...     await db.close()
    ...     return result["rows"]
    >>> asyncio.run(main())
    [{'name': 'Ada'}]
    """

    def __init__(self, database_name: Optional[str] = None, options: Optional[Mapping[str, Any]] = None) -> None:
        self._database = Database(database_name, options)
        self._native = self._database._native
        self._waiting = _Pool(_WAITING_THREADS)
        self._pool = _Pool(_THREADS)

    @classmethod
    async def create(
        cls, database_name: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> AsyncDatabase:
        """Opens or creates a database; arguments as `Database`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return db.node_count
        >>> asyncio.run(main())
        0
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, cls, database_name, options)

    async def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a query to its end; see `Database.execute`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return (await db.execute("RETURN $a AS a", {"a": 1}))["rows"]
        >>> asyncio.run(main())
        [{'a': 1}]
        """
        return await self._waiting.run_cancellable(self._native.execute, query, params, timeout, _owner())

    def stream(self, query: str, params: Optional[LoraParams] = None) -> AsyncQueryStream:
        """Runs a query lazily; an async iterator of row dicts.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return [row["n"] async for row in db.stream("UNWIND [1, 2] AS n RETURN n")]
        >>> asyncio.run(main())
        [1, 2]
        """
        open_stream = functools.partial(self._native.stream, query, params, None, _owner())
        return AsyncQueryStream(self._waiting, self._pool, open_stream)

    async def transaction(self, statements: Sequence[Mapping[str, Any]], mode: str = "read_write") -> List[QueryResult]:
        """Runs several statements as one transaction; see `Database.transaction`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return len(await db.transaction([{"query": "CREATE (:A)"}, {"query": "CREATE (:B)"}]))
        >>> asyncio.run(main())
        2
        """
        pairs = statement_pairs(statements)
        return await self._waiting.run_cancellable(self._native.transaction, pairs, read_only_mode(mode), _owner())

    def begin(self, mode: str = "read_write", *, timeout: Optional[float] = None) -> _Begin:
        """Starts a transaction: ``await db.begin()`` or ``async with db.begin() as tx``.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         async with db.begin() as tx:
        ...             await tx.execute("CREATE (:A)")
        ...         return db.node_count
        >>> asyncio.run(main())
        1
        """
        read_only = read_only_mode(mode)

        async def start() -> AsyncTransaction:
            native = await self._waiting.run_cancellable(self._native.begin, read_only, timeout, _owner())
            return AsyncTransaction(self._pool, native)

        return _Begin(start)

    async def explain(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """The plan of a query; see `Database.explain`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return (await db.explain("MATCH (n) RETURN n"))["shape"]
        >>> asyncio.run(main())
        'readOnly'
        """
        return await self._pool.run(self._database.explain, query, params)

    async def profile(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """Runs and measures a query; see `Database.profile`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return (await db.profile("RETURN 1 AS one"))["metrics"]["total_rows"]
        >>> asyncio.run(main())
        1
        """
        return await self._waiting.run_cancellable(self._native.profile, query, params, _owner())

    async def save_snapshot(
        self, target: Any = None, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> Union[SnapshotMeta, bytes, str]:
        """Saves the graph; see `Database.save_snapshot`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return type(await db.save_snapshot())
        >>> asyncio.run(main())
        <class 'bytes'>
        """
        return await self._pool.run_to_end(self._database.save_snapshot, target, format, options)

    async def load_snapshot(
        self, source: Any, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> SnapshotMeta:
        """Replaces the graph by a saved one; see `Database.load_snapshot`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return (await db.load_snapshot(await db.save_snapshot()))["nodeCount"]
        >>> asyncio.run(main())
        0
        """
        return await self._waiting.run_to_end(self._database._load_snapshot, source, format, options, _owner())

    async def import_csv(
        self,
        nodes: ImportFiles = None,
        relationships: ImportFiles = None,
        *,
        separator: str = ",",
        list_separator: str = ";",
        skip_dangling: bool = False,
    ) -> ImportCounts:
        """Adds the nodes and relationships of CSV files; see `Database.import_csv`. Cancelling it stops it.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return await db.import_csv({})
        >>> asyncio.run(main())
        {'nodes': 0, 'relationships': 0, 'skipped': 0}
        """
        return await self._waiting.run_cancellable(
            self._native.import_csv,
            import_files("nodes", nodes, True),
            import_files("relationships", relationships, False),
            *import_separators(separator, list_separator),
            boolean("skip_dangling", skip_dangling),
            _owner(),
        )

    async def register_function(
        self,
        signature: str,
        function: Callable[..., Any],
        *,
        deterministic: bool = False,
        description: Optional[str] = None,
    ) -> None:
        """Makes a plain callable a Cypher function, which runs on the handle's threads; see
        `Database.register_function`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.register_function("my.twice(x :: INTEGER) :: INTEGER", lambda x: 2 * x)
        ...         return (await db.execute("RETURN my.twice(21) AS x"))["rows"]
        >>> asyncio.run(main())
        [{'x': 42}]
        """
        register = functools.partial(
            self._database.register_function, deterministic=deterministic, description=description
        )
        await self._pool.run_to_end(register, signature, function)

    async def register_procedure(
        self,
        signature: str,
        source: Union[Callable[..., Any], Sequence[str]],
        rows: Optional[Iterable[Any]] = None,
        *,
        description: Optional[str] = None,
    ) -> None:
        """Makes a plain callable, or a table, a procedure; see `Database.register_procedure`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.register_procedure("my.numbers() :: (a :: INTEGER)", ["a"], [[1], [2]])
        ...         return (await db.execute("CALL my.numbers() YIELD a RETURN sum(a) AS s"))["rows"]
        >>> asyncio.run(main())
        [{'s': 3}]
        """
        register = functools.partial(self._database.register_procedure, description=description)
        await self._pool.run_to_end(register, signature, source, rows)

    async def unregister_function(self, name: str) -> None:
        """Drops a registered function; see `Database.unregister_function`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.register_function("my.one() :: INTEGER", lambda: 1)
        ...         await db.unregister_function("my.one")
        >>> asyncio.run(main())
        """
        await self._pool.run_to_end(self._database.unregister_function, name)

    async def unregister_procedure(self, name: str) -> None:
        """Drops a registered procedure; see `Database.unregister_procedure`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.register_procedure("my.numbers() :: (a :: INTEGER)", ["a"], [[1], [2]])
        ...         await db.unregister_procedure("my.numbers")
        >>> asyncio.run(main())
        """
        await self._pool.run_to_end(self._database.unregister_procedure, name)

    async def clear(self) -> None:
        """Drops all nodes and relationships.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.execute("CREATE (:A)")
        ...         await db.clear()
        ...         return db.node_count
        >>> asyncio.run(main())
        0
        """
        await self._waiting.run_to_end(self._native.clear, _owner())

    async def close(self) -> None:
        """Closes the handle. Idempotent.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.close()
        ...         return db
        >>> asyncio.run(main())
        <lora_python.AsyncDatabase closed>
        """
        loop = asyncio.get_running_loop()
        # Not one of the handle's own: all their threads may be waiting for what this call ends.
        future = loop.run_in_executor(None, self._database.close)
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            await _settle(future)
            raise
        finally:
            self._waiting.close()
            self._pool.close()

    @property
    def node_count(self) -> int:
        """How many nodes there are.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.execute("CREATE (:A)-[:R]->(:B)")
        ...         return db.node_count
        >>> asyncio.run(main())
        2
        """
        return self._database.node_count

    @property
    def relationship_count(self) -> int:
        """How many relationships there are.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.execute("CREATE (:A)-[:R]->(:B)")
        ...         return db.relationship_count
        >>> asyncio.run(main())
        1
        """
        return self._database.relationship_count

    async def interrupt(self) -> None:
        """Stops the queries that are running now.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.interrupt()
        >>> asyncio.run(main())
        """
        self._database.interrupt()

    async def sync(self) -> None:
        """Returns when all commits so far are on disk.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.sync()
        >>> asyncio.run(main())
        """
        await self._pool.run_to_end(self._database.sync)

    async def checkpoint(self, compact: bool = False) -> None:
        """Flushes, so that reopening replays nothing.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         await db.checkpoint()
        >>> asyncio.run(main())
        """
        await self._pool.run_to_end(self._database.checkpoint, compact)

    async def verify(self, level: str = "full") -> Dict[str, Any]:
        """Checks the database; see `Database.verify`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return await db.verify()
        >>> asyncio.run(main())
        {'ok': True, 'errors': []}
        """
        return await self._pool.run_to_end(self._database.verify, level)

    async def stats(self) -> Dict[str, Any]:
        """Figures about memory, files and work done; see `Database.stats`.

        Examples
        --------
        >>> import asyncio
        >>> from lora_python import AsyncDatabase
        >>> async def main():
        ...     async with await AsyncDatabase.create() as db:
        ...         return (await db.stats())["commits"]
        >>> asyncio.run(main())
        0
        """
        return await self._pool.run(self._database.stats)

    async def __aenter__(self) -> AsyncDatabase:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._database).replace("lora_python.Database", "lora_python." + type(self).__name__, 1)
