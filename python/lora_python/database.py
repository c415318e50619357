"""The synchronous `Database`."""

from __future__ import annotations

import atexit
import base64
import inspect
import io
from types import TracebackType
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
)

from . import _native
from .handles import Handle, QueryStream, Transaction, read_only_mode, statement_pairs
from .options import (
    ImportFiles,
    boolean,
    database_options,
    import_files,
    import_separators,
    load_options,
    params_error,
    path_bytes,
    query_error,
    quoted,
    save_options,
)
from .types import ImportCounts, LoraParams, QueryResult, SnapshotMeta

__all__ = ["Database"]

atexit.register(_native._close_all)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise params_error("%s must be a str, not `%s`" % (name, type(value).__name__))
    return value


def _callable(value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise params_error("a callable is needed, not `%s`" % type(value).__name__)
    if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value):
        raise params_error("`%s` is asynchronous; register a plain function" % getattr(value, "__name__", value))
    return value  # type: ignore[no-any-return]


def _description(value: Any, description: Optional[str]) -> str:
    """What SHOW says: as given, or the first line of the docstring."""
    if description is not None:
        return _text("description", description)
    lines = (inspect.getdoc(value) or "").splitlines() if inspect.isroutine(value) else []
    return lines[0] if lines else ""


def _table(columns: Any, rows: Any) -> Tuple[List[str], List[List[Any]]]:
    """Checks the table of a procedure; a row is a sequence in the order of the columns, or a mapping."""
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Iterable):
        raise params_error("columns must be a sequence of str, not `%s`" % type(columns).__name__)
    names = [_text("columns[%d]" % i, name) for i, name in enumerate(columns)]
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        raise params_error("rows must be a sequence of rows, not `%s`" % type(rows).__name__)
    table = []
    for index, row in enumerate(rows):
        if isinstance(row, Mapping):
            if set(row) != set(names):
                raise params_error("rows[%d] must have the keys %s" % (index, ", ".join(names)))
            table.append([row[name] for name in names])
        elif isinstance(row, (str, bytes)) or not isinstance(row, Sequence):
            raise params_error("rows[%d] must be a sequence or a mapping, not `%s`" % (index, type(row).__name__))
        else:
            table.append(list(row))
    return names, table


class Database(Handle):
    """An embedded property-graph database.

    Parameters
    ----------
    database_name : str, optional
        None: in memory. Otherwise the durable database ``<database_dir>/<name>.loradb``, created when it is missing.
    options : mapping, optional
        ``database_dir`` (default ``"."``), ``create_if_missing`` (True), ``read_only`` (False), ``sync`` (``"commit"``:
        an acknowledged commit is on disk; ``"interval"``; ``"off"``), ``sync_interval_ms`` (100), ``cache_bytes``,
        ``busy_timeout_ms`` (5000), ``query_timeout_ms``, ``query_memory_bytes``, ``import_dir``, ``on_corruption``
        (``"error"`` or ``"recover"``); also in camelCase.

    Raises
    ------
    InvalidParamsError
        An unknown option, or a value of the wrong type or range.
    LoraQueryError
        ``LORA_DATABASE_NAME``, ``LORA_CONFIG``, ``LORA_LOCKED`` (names who has it open), ``LORA_IO``,
        ``LORA_CORRUPTION``, ``LORA_FORMAT_VERSION``.

    Notes
    -----
    Any number of threads may use one handle: readers run side by side, writers queue. Use it as a context manager, or
    call `close`; handles still open at interpreter exit are closed then.

    Examples
    --------
    >>> from lora_python import Database
    >>> db = Database()
    >>> _ = db.execute("CREATE (:Person {name: $name, born: 1815})", {"name": "Ada"})
    >>> db.execute("MATCH (p:Person) RETURN p.name AS name, p.born AS born")["rows"]
    [{'name': 'Ada', 'born': 1815}]
    >>> db
    <lora_python.Database nodes=1 relationships=0>
    """

    __slots__ = ("_native", "__weakref__")

    def __init__(self, database_name: Optional[str] = None, options: Optional[Mapping[str, Any]] = None) -> None:
        if database_name is not None and not isinstance(database_name, str):
            raise params_error("the database name must be a str, not `%s`" % type(database_name).__name__)
        # A lone surrogate becomes a `?`, which no name may have.
        name = None if database_name is None else database_name.encode("utf-8", "replace")
        self._native = _native.Database.open(name, database_options(database_name, options))

    @classmethod
    def create(cls, database_name: Optional[str] = None, options: Optional[Mapping[str, Any]] = None) -> Database:
        """The same as ``Database(database_name, options)``.

        Parameters
        ----------
        database_name : str, optional
        options : mapping, optional

        Returns
        -------
        Database

        Examples
        --------
        >>> from lora_python import Database
        >>> Database.create().node_count
        0
        """
        return cls(database_name, options)

    # --- queries ---

    def execute(
        self, query: str, params: Optional[LoraParams] = None, *, timeout: Optional[float] = None
    ) -> QueryResult:
        """Runs a query to its end.

        Parameters
        ----------
        query : str
            One Cypher statement.
        params : mapping, optional
            Values of the query's ``$name`` parameters.
        timeout : float, optional
            Seconds after which the query is stopped with ``LORA_TIMEOUT``.

        Returns
        -------
        QueryResult
            A dict with ``columns`` and ``rows``.

        Raises
        ------
        LoraQueryError
            The query is wrong or failed; nothing of it stays.
        InvalidParamsError
            A parameter has no Cypher value; the message names its path.

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().execute("RETURN $a + 1 AS b", {"a": 1})["rows"]
        [{'b': 2}]
        """
        return self._native.execute(query, params, timeout, 0)  # as the native method that takes its place

    def stream(self, query: str, params: Optional[LoraParams] = None) -> QueryStream:
        """Runs a query lazily.

        Parameters
        ----------
        query : str
        params : mapping, optional

        Returns
        -------
        QueryStream
            An iterator of row dicts.

        Examples
        --------
        >>> from lora_python import Database
        >>> next(Database().stream("UNWIND range(1, 1000000000) AS n RETURN n"))
        {'n': 1}
        """
        return QueryStream(self._native.stream(query, params, None, 0))

    def transaction(self, statements: Sequence[Mapping[str, Any]], mode: str = "read_write") -> List[QueryResult]:
        """Runs several statements as one transaction: all or nothing.

        Parameters
        ----------
        statements : sequence of mappings
            Each has ``query`` and, optionally, ``params``.
        mode : str
            ``read_write`` (also ``readwrite``, ``rw``) or ``read_only`` (``readonly``, ``ro``).

        Returns
        -------
        list of QueryResult

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> [r["rows"] for r in db.transaction([{"query": "CREATE (:A)"}, {"query": "MATCH (n) RETURN count(n) AS n"}])]
        [[], [{'n': 1}]]
        """
        return self._native.transaction(statement_pairs(statements), read_only_mode(mode), 0)

    def begin(self, mode: str = "read_write", *, timeout: Optional[float] = None) -> Transaction:
        """Starts a transaction.

        Parameters
        ----------
        mode : str
            ``read_write`` takes the writer at once; ``read_only`` pins a version.
        timeout : float, optional
            Seconds to wait for the writer, when shorter than ``busy_timeout_ms``.

        Returns
        -------
        Transaction

        Raises
        ------
        LoraQueryError
            ``LORA_TRANSACTION`` naming who holds the writer and since when.

        Examples
        --------
        >>> from lora_python import Database
        >>> tx = Database().begin("read_only")
        >>> tx.execute("RETURN 1 AS one")["rows"]
        [{'one': 1}]
        >>> tx.rollback()
        """
        return Transaction(self._native.begin(read_only_mode(mode), timeout, 0))

    def explain(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """The plan of a query, which is not run.

        Parameters
        ----------
        query : str
        params : mapping, optional
            May lack parameters of the query.

        Returns
        -------
        dict
            ``query``, ``shape`` (``"readOnly"`` or ``"mutating"``), ``result_columns`` and ``tree``; a node of the
            tree has ``id``, ``operator``, ``details``, ``estimated_rows`` and ``children``.

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().explain("CREATE (:A)")["shape"]
        'mutating'
        """
        return self._native.explain(query, params)

    def profile(self, query: str, params: Optional[LoraParams] = None) -> Dict[str, Any]:
        """Runs a query and measures every operator of its plan.

        Parameters
        ----------
        query : str
        params : mapping, optional

        Returns
        -------
        dict
            ``plan`` as of `explain`, and ``metrics``: ``total_elapsed_ns``, ``total_rows``, ``mutated`` and
            ``per_operator`` (by operator id: ``rows``, ``db_hits``, ``elapsed_ns``, ``next_calls``).

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().profile("UNWIND [1, 2] AS x RETURN x")["metrics"]["total_rows"]
        2
        """
        return self._native.profile(query, params, 0)

    # --- snapshots ---

    def save_snapshot(
        self, target: Any = None, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> Union[SnapshotMeta, bytes, str]:
        """Saves the graph to a file, to bytes, to base64 text or to a writer.

        Parameters
        ----------
        target : str, PathLike, object with ``write``, ``"binary"``, ``"bytes"``, ``"base64"`` or None
            A path is replaced atomically. None means bytes.
        format : str, optional
            ``"binary"``, ``"bytes"`` or ``"base64"`` when there is no target.
        options : mapping, optional
            ``compression``: ``"none"``, ``"gzip"``, ``"zstd"`` or ``{"format", "level"}``; ``encryption``:
            ``{"type": "password", "password", "keyId"?, "params"?}`` or ``{"type": "key", "key", "keyId"?}``.

        Returns
        -------
        SnapshotMeta, bytes or str
            Meta for paths and writers.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> copy = Database()
        >>> copy.load_snapshot(db.save_snapshot())["nodeCount"]
        0
        """
        codec, level, crypto = save_options(options)
        if isinstance(target, str) and target in ("binary", "bytes", "base64") and format is None:
            target, format = None, target
        if target is None:
            if format not in (None, "binary", "bytes", "base64"):
                raise params_error("format must be binary, bytes or base64, not %s" % quoted(format))
            data = self._native.save_snapshot_bytes(codec, level, crypto)
            return base64.b64encode(data).decode("ascii") if format == "base64" else data
        if format not in (None, "path", "file"):
            raise params_error("format %s goes with no target, not with a path or a writer" % quoted(format))
        if isinstance(target, io.TextIOBase):
            raise params_error("the target takes text; open the file in mode `wb`")
        if hasattr(target, "write"):
            write = target.write

            def write_all(piece: bytes) -> None:
                view = memoryview(piece)
                while len(view):  # raw files may write less
                    written = write(view)
                    if not isinstance(written, int) or written >= len(view):
                        return
                    if written <= 0:
                        raise query_error("LORA_IO", "the writer took none of `%d` bytes" % len(view))
                    view = view[written:]

            return self._native.save_snapshot_writer(write_all, codec, level, crypto)
        return self._native.save_snapshot_file(path_bytes("target", target), codec, level, crypto)

    def load_snapshot(
        self, source: Any, format: Optional[str] = None, options: Optional[Mapping[str, Any]] = None
    ) -> SnapshotMeta:
        """Replaces the graph by a saved one, atomically; durable like a commit on a named database.

        Parameters
        ----------
        source : str, PathLike, bytes-like, object with ``read``, or base64 text with ``format="base64"``
        format : str, optional
        options : mapping, optional
            ``credentials`` (or ``encryption``): as `save_snapshot`'s ``encryption``.

        Returns
        -------
        SnapshotMeta

        Raises
        ------
        LoraQueryError
            ``LORA_CORRUPTION``, ``LORA_FORMAT_VERSION``, ``LORA_SNAPSHOT_CRYPTO``, ``LORA_IO``; the graph stays
            as it was.

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().load_snapshot(Database().save_snapshot())["relationshipCount"]
        0
        """
        return self._load_snapshot(source, format, options, 0)

    def _load_snapshot(
        self, source: Any, format: Optional[str], options: Optional[Mapping[str, Any]], owner: int
    ) -> SnapshotMeta:
        crypto = load_options(options)
        if format == "base64":
            if not isinstance(source, (str, bytes, bytearray)):
                raise params_error("base64 text must be a str, not `%s`" % type(source).__name__)
            try:
                text = source.encode() if isinstance(source, str) else bytes(source)
                source = base64.b64decode(b"".join(text.split()), validate=True)
            except ValueError as error:
                raise params_error("the source is no base64 text: %s" % error) from None
        elif format not in (None, "path", "file", "binary", "bytes"):
            raise params_error("format must be binary, bytes, base64 or path, not %s" % quoted(format))
        if isinstance(source, (bytes, bytearray, memoryview)):
            if isinstance(source, memoryview) and not source.c_contiguous:
                source = source.tobytes()
            return self._native.load_snapshot_bytes(source, crypto, owner)
        if isinstance(source, io.TextIOBase):
            raise params_error("the source gives text; open the file in mode `rb`")
        if hasattr(source, "read"):
            return self._native.load_snapshot_reader(source.read, crypto, owner)
        return self._native.load_snapshot_file(path_bytes("source", source), crypto, owner)

    def import_csv(
        self,
        nodes: ImportFiles = None,
        relationships: ImportFiles = None,
        *,
        separator: str = ",",
        list_separator: str = ";",
        skip_dangling: bool = False,
    ) -> ImportCounts:
        """Adds the nodes and relationships of CSV files, all or nothing: the fast way to load a graph.

        The first line of a file names its columns, in the notation of ``lora-import``: ``name``, ``age:int``,
        ``born:date``, ``tags:string[]``, ``:LABEL``; ``id:ID(Group)`` is what relationships call the node by, in
        ``:START_ID(Group)`` and ``:END_ID(Group)``. Relationships name nodes of the same call.

        Parameters
        ----------
        nodes : mapping of str to path or list of paths, optional
            By label; several are separated by ``:``, none is ``""``.
        relationships : mapping of str to path or list of paths, optional
            By type; ``""`` where a column ``:TYPE`` has it.
        separator, list_separator : str
            Between fields, and between the items of lists and labels.
        skip_dangling : bool
            Leave out relationships whose ends are not there, instead of failing.

        Returns
        -------
        ImportCounts
            ``nodes``, ``relationships`` and ``skipped``.

        Raises
        ------
        InvalidParamsError
            For arguments of the wrong type.
        LoraQueryError
            Naming file and line: ``LORA_PARSE``, ``LORA_UNIQUE_CONSTRAINT``, ``LORA_NOT_FOUND``, ``LORA_IO``,
            ``LORA_LIMIT``. The graph stays as it was.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from lora_python import Database
        >>> directory = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (directory / "people.csv").write_text("name:ID,age:int\\nAda,36\\nCharles,79\\n")
        >>> _ = (directory / "knows.csv").write_text(":START_ID,:END_ID\\nAda,Charles\\n")
        >>> db = Database()
        >>> db.import_csv({"Person": directory / "people.csv"}, {"KNOWS": directory / "knows.csv"})
        {'nodes': 2, 'relationships': 1, 'skipped': 0}
        """
        return self._native.import_csv(
            import_files("nodes", nodes, True),
            import_files("relationships", relationships, False),
            *import_separators(separator, list_separator),
            boolean("skip_dangling", skip_dangling),
            0,
        )

    # --- functions and procedures of the program ---

    def register_function(
        self,
        signature: str,
        function: Callable[..., Any],
        *,
        deterministic: bool = False,
        description: Optional[str] = None,
    ) -> None:
        """Makes a Python callable a Cypher function for the statements of this handle.

        Parameters
        ----------
        signature : str
            ``"my.name(x :: INTEGER, y :: STRING?) :: FLOAT"``. The name needs a namespace that no built-in function
            has. Types are Cypher's; one that ends in ``?`` takes null (None).
        function : callable
            Gets the arguments as plain data, nodes and relationships as dicts, and returns the result. For a result
            of type ``NODE`` or ``RELATIONSHIP`` it returns such a dict.
        deterministic : bool
            The same arguments give the same result within a statement: the planner may call it less often.
        description : str, optional
            For ``SHOW FUNCTIONS``; default: the first line of the docstring.

        Raises
        ------
        LoraQueryError
            ``LORA_SEMANTIC``: the signature cannot be read, or the namespace is a built-in one.
        InvalidParamsError

        Notes
        -----
        A function of the same name is replaced; running statements finish with the old one. Arguments and results are
        checked against the signature (``LORA_TYPE``). What the callable raises ends the statement, of which nothing
        stays, as a `LoraQueryError` with the original as ``__cause__``. The callable may read the same database; a
        write is refused at once (``LORA_TRANSACTION``). A timeout or `interrupt` takes effect when it returns.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> db.register_function("my.title(name :: STRING) :: STRING", str.title)
        >>> db.execute("RETURN my.title('ada lovelace') AS name")["rows"]
        [{'name': 'Ada Lovelace'}]
        """
        self._native.register_function(
            _text("signature", signature), _callable(function), _description(function, description), bool(deterministic)
        )

    def register_procedure(
        self,
        signature: str,
        source: Union[Callable[..., Any], Sequence[str]],
        rows: Optional[Iterable[Any]] = None,
        *,
        description: Optional[str] = None,
    ) -> None:
        """Makes a Python callable, or a table, a procedure for ``CALL``.

        Parameters
        ----------
        signature : str
            ``"my.name(x :: INTEGER) :: (a :: STRING, b :: FLOAT?)"``, or ``"my.name() :: VOID"`` without columns.
        source : callable or sequence of str
            A callable gets the arguments and returns an iterable of rows, each a tuple, list or dict. A generator is
            asked for rows as the query wants them. That of a VOID procedure returns None. With ``rows``: the names of
            the table's columns, arguments and results.
        rows : iterable, optional
            A table: a call gives the results of those rows whose arguments equal the call's.
        description : str, optional
            For ``SHOW PROCEDURES``; default: the first line of the callable's docstring.

        Raises
        ------
        LoraQueryError
            ``LORA_SEMANTIC``: the signature cannot be read, the namespace is a built-in one, or the table does not fit.
        InvalidParamsError

        Notes
        -----
        As `register_function`.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> def count_down(start):
        ...     while start > 0:
        ...         yield (start,)
        ...         start -= 1
        >>> db.register_procedure("my.count_down(start :: INTEGER) :: (n :: INTEGER)", count_down)
        >>> db.execute("CALL my.count_down(1000000000) YIELD n RETURN n LIMIT 2")["rows"]
        [{'n': 1000000000}, {'n': 999999999}]
        >>> db.register_procedure("my.capital(of :: STRING) :: (city :: STRING)", ["of", "city"], [("FR", "Paris")])
        >>> db.execute("CALL my.capital('FR')")["rows"]
        [{'city': 'Paris'}]
        """
        signature = _text("signature", signature)
        if rows is None:
            if not callable(source):
                raise params_error("a callable is needed, or columns and rows, not `%s`" % type(source).__name__)
            self._native.register_procedure(signature, _callable(source), _description(source, description))
        else:
            columns, table = _table(source, rows)
            self._native.register_table(signature, columns, table, _description(None, description))

    def unregister_function(self, name: str) -> None:
        """Drops a registered function; ``LORA_NOT_FOUND`` when there is none. Running statements finish with it.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> db.register_function("my.one() :: INTEGER", lambda: 1)
        >>> db.unregister_function("my.one")
        """
        self._native.unregister_function(_text("name", name))

    def unregister_procedure(self, name: str) -> None:
        """Drops a registered procedure; ``LORA_NOT_FOUND`` when there is none. Running statements finish with it.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> db.register_procedure("my.pairs() :: (a :: INTEGER)", ["a"], [[1], [2]])
        >>> db.unregister_procedure("my.pairs")
        """
        self._native.unregister_procedure(_text("name", name))

    # --- the rest ---

    def clear(self) -> None:
        """Drops all nodes and relationships, durably. Indexes and constraints stay.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> _ = db.execute("CREATE (:A)")
        >>> db.clear()
        >>> db.node_count
        0
        """
        self._native.clear(0)

    def close(self) -> None:
        """Closes the handle: running queries end, open transactions roll back, everything is flushed. Idempotent.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> db.close()
        >>> db
        <lora_python.Database closed>
        """
        self._native.close()

    @property
    def node_count(self) -> int:
        """How many nodes there are.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> _ = db.execute("CREATE (:A)-[:R]->(:B)")
        >>> db.node_count
        2
        """
        return self._native.node_count()

    @property
    def relationship_count(self) -> int:
        """How many relationships there are.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> _ = db.execute("CREATE (:A)-[:R]->(:B)")
        >>> db.relationship_count
        1
        """
        return self._native.relationship_count()

    def interrupt(self) -> None:
        """Stops the queries that are running now, with ``LORA_INTERRUPTED``. From any thread.

        Examples
        --------
        >>> import threading
        >>> from lora_python import Database, LoraQueryError
        >>> db = Database()
        >>> timer = threading.Timer(0.2, db.interrupt)
        >>> timer.start()
        >>> try:
        ...     _ = db.execute("UNWIND range(1, 1000000000) AS a WITH a WHERE a < 0 RETURN a")
        ... except LoraQueryError as error:
        ...     print(error.code)
        LORA_INTERRUPTED
        """
        self._native.interrupt()

    def sync(self) -> None:
        """Returns when all commits so far are on disk.

        Examples
        --------
        >>> from lora_python import Database
        >>> with Database("app", {"sync": "off"}) as db:
        ...     _ = db.execute("CREATE (:A)")
        ...     db.sync()
        """
        self._native.sync()

    def checkpoint(self, compact: bool = False) -> None:
        """Flushes, so that reopening replays nothing.

        Parameters
        ----------
        compact : bool
            Compacts the files as well. What was deleted or removed is in none of them then, unless a
            transaction is open.

        Examples
        --------
        >>> from lora_python import Database
        >>> with Database("app") as db:
        ...     db.checkpoint(compact=True)
        """
        if not isinstance(compact, bool):
            raise params_error("compact must be True or False, not %s" % quoted(compact))
        self._native.checkpoint(compact)

    def verify(self, level: str = "full") -> Dict[str, Any]:
        """Checks the database.

        Parameters
        ----------
        level : str
            ``"quick"`` or ``"full"``.

        Returns
        -------
        dict
            ``ok`` and ``errors``, a list of sentences.

        Examples
        --------
        >>> from lora_python import Database
        >>> Database().verify()
        {'ok': True, 'errors': []}
        """
        if level not in ("quick", "full"):
            raise params_error("level must be quick or full, not %s" % quoted(level))
        return self._native.verify(level == "full")

    def stats(self) -> Dict[str, Any]:
        """Figures about memory, files and work done.

        Returns
        -------
        dict
            ``cache_bytes_used`` and ``cache_bytes_limit`` (in-memory form), ``retired_bytes`` (old versions still
            read), ``chunk_loads``, ``chunk_evictions``, ``open_snapshots``, ``commits``, ``memtable_bytes``,
            ``block_cache_bytes``, ``table_bytes`` (sorted files; memory for an in-memory database), ``wal_bytes``,
            ``syncs``, ``engine``, ``engine_assertions``, ``plan_cache_hits``, ``plan_cache_misses``,
            ``plan_cache_entries``.

        Examples
        --------
        >>> from lora_python import Database
        >>> db = Database()
        >>> _ = db.execute("CREATE (:A)")
        >>> db.stats()["commits"] >= 1
        True
        """
        return self._native.stats()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        name = "lora_python." + type(self).__name__
        try:
            return "<%s nodes=%d relationships=%d>" % (name, self.node_count, self.relationship_count)
        except Exception:  # repr never raises
            return "<%s closed>" % name
