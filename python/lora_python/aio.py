"""`AsyncDatabase`: the same surface for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Callable, Dict, Generator, List, Mapping, Optional, Sequence, Type, TypeVar, Union

from . import _native
from .database import Database, QueryStream, read_only_mode
from .options import query_error
from .types import LoraParams, QueryResult, SnapshotMeta

__all__ = ["AsyncDatabase", "AsyncQueryStream", "AsyncTransaction"]

_T = TypeVar("_T")


class _Pool:
    """The handle's own threads, so that waiting writers do not starve the loop's default pool."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(max_workers=64, thread_name_prefix="lora")

    async def run(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        call = functools.partial(context.run, functools.partial(function, *args, **kwargs))
        return await loop.run_in_executor(self.executor, call)

    async def run_cancellable(self, function: Callable[..., _T], *args: Any) -> _T:
        """Runs ``function(*args, token)``; cancelling the awaiting task stops the engine call."""
        token = _native.CancelToken()
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        future = loop.run_in_executor(self.executor, functools.partial(context.run, function, *args, token))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            token.cancel()
            # Wait until the engine has let go; what it then says no longer matters.
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():
                future.exception()
            raise

    def close(self) -> None:
        self.executor.shutdown(wait=False)


def _owner() -> int:
    task = asyncio.current_task()
    return id(task) if task is not None else 0


class AsyncQueryStream:
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

    def __init__(self, pool: _Pool, open_stream: Callable[..., Any]) -> None:
        self._pool = pool
        self._open: Optional[Callable[..., Any]] = open_stream
        self._stream: Optional[QueryStream] = None
        self._rows: List[Dict[str, Any]] = []
        self._next = 0

    async def _opened(self) -> Optional[QueryStream]:
        if self._open is not None:
            open_stream, self._open = self._open, None
            self._stream = QueryStream(await self._pool.run_cancellable(open_stream))
        return self._stream

    async def columns(self) -> List[str]:
        """Names of the columns, in order."""
        stream = await self._opened()
        if stream is None:
            raise query_error("LORA_CLOSED", "the stream is closed")
        return stream.columns()

    def __aiter__(self) -> AsyncQueryStream:
        return self

    async def __anext__(self) -> Dict[str, Any]:
        if self._next >= len(self._rows):
            stream = await self._opened()
            if stream is None:
                raise StopAsyncIteration
            try:
                more = await self._pool.run(stream.fetch)
            except BaseException:
                await self.aclose()
                raise
            self._rows, self._next = stream.take_batch(), 0
            if not more:
                self._stream = None
                raise StopAsyncIteration
        row = self._rows[self._next]
        self._next += 1
        return row

    async def aclose(self) -> None:
        """Ends the stream early; idempotent."""
        self._open = None
        self._rows, self._next = [], 0
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.shield(self._pool.run(stream.close))

    close = aclose

    async def __aenter__(self) -> AsyncQueryStream:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()


class AsyncTransaction:
    """An explicit transaction for asyncio. Made by `AsyncDatabase.begin`."""

    def __init__(self, pool: _Pool, native: "_native.Transaction", owner: int) -> None:
        self._pool = pool
        self._native = native
        self._owner = owner

    async def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a statement inside the transaction; see `Transaction.execute`."""
        return await self._pool.run_cancellable(self._native.execute, query, params, timeout, self._owner)

    async def commit(self) -> None:
        """Makes the writes visible and durable."""
        await asyncio.shield(self._pool.run(self._native.commit))

    async def rollback(self) -> None:
        """Drops the writes. Idempotent."""
        await asyncio.shield(self._pool.run(self._native.rollback))

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if not self._native.open():
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


class AsyncDatabase:
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
        self._pool = _Pool()

    @classmethod
    async def create(
        cls, database_name: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> AsyncDatabase:
        """Opens or creates a database; arguments as `Database`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, cls, database_name, options)

    async def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a query to its end; see `Database.execute`."""
        return await self._pool.run_cancellable(self._native.execute, query, params, timeout, _owner())

    def stream(self, query: str, params: Optional[LoraParams] = None) -> AsyncQueryStream:
        """Runs a query lazily; an async iterator of row dicts."""
        owner = _owner() if _running() else 0
        return AsyncQueryStream(self._pool, functools.partial(self._native.stream, query, params, None, owner))

    async def transaction(self, statements: Sequence[Mapping[str, Any]], mode: str = "read_write") -> List[QueryResult]:
        """Runs several statements as one transaction; see `Database.transaction`."""
        return await self._pool.run(self._database.transaction, statements, mode)

    def begin(self, mode: str = "read_write", *, timeout: Optional[float] = None) -> _Begin:
        """Starts a transaction: ``await db.begin()`` or ``async with db.begin() as tx``."""
        read_only = read_only_mode(mode)

        async def start() -> AsyncTransaction:
            owner = _owner()
            native = await self._pool.run_cancellable(self._native.begin, read_only, timeout, owner)
            return AsyncTransaction(self._pool, native, owner)

        return _Begin(start)

    async def explain(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """The plan of a query; see `Database.explain`."""
        return await self._pool.run(self._database.explain, query, params)

    async def profile(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """Runs and measures a query; see `Database.profile`."""
        return await self._pool.run_cancellable(self._native.profile, query, params, _owner())

    async def save_snapshot(
        self, target: Any = None, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> Union[SnapshotMeta, bytes, str]:
        """Saves the graph; see `Database.save_snapshot`."""
        return await self._pool.run(self._database.save_snapshot, target, format, options)

    async def load_snapshot(
        self, source: Any, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> SnapshotMeta:
        """Replaces the graph by a saved one; see `Database.load_snapshot`."""
        return await self._pool.run(self._database.load_snapshot, source, format, options)

    async def clear(self) -> None:
        """Drops all nodes and relationships."""
        await self._pool.run(self._database.clear)

    async def close(self) -> None:
        """Closes the handle. Idempotent."""
        loop = asyncio.get_running_loop()
        # Not the handle's own pool: all its threads may be waiting for what this call ends.
        await asyncio.shield(loop.run_in_executor(None, self._database.close))
        self._pool.close()

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return self._database.node_count

    @property
    def relationship_count(self) -> int:
        """How many relationships there are."""
        return self._database.relationship_count

    async def interrupt(self) -> None:
        """Stops the queries that are running now."""
        self._database.interrupt()

    async def sync(self) -> None:
        """Returns when all commits so far are on disk."""
        await self._pool.run(self._database.sync)

    async def checkpoint(self, compact: bool = False) -> None:
        """Flushes, so that reopening replays nothing."""
        await self._pool.run(self._database.checkpoint, compact)

    async def verify(self, level: str = "full") -> Dict[str, Any]:
        """Checks the database; see `Database.verify`."""
        return await self._pool.run(self._database.verify, level)

    async def stats(self) -> Dict[str, Any]:
        """Figures about memory, files and work done; see `Database.stats`."""
        return await self._pool.run(self._database.stats)

    async def __aenter__(self) -> AsyncDatabase:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._database).replace("lora_python.Database", "lora_python." + type(self).__name__, 1)


def _running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
