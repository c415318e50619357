"""`AsyncDatabase`: the same surface for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Dict, Generator, List, Mapping, Optional, Sequence, Type, TypeVar, Union

from .database import Database, QueryStream, Transaction
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
