"""Checks options given as dicts and turns them into what the engine takes."""

from __future__ import annotations

import difflib
import os
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from .errors import InvalidParamsError, LoraQueryError

_MESSAGE_MAX = 4096


def params_error(message: str) -> InvalidParamsError:
    if len(message) > _MESSAGE_MAX:  # as the engine's messages: what a caller gave may be long
        message = message[:3072] + "..." + message[-1024:]
    error = InvalidParamsError("LORA_INVALID_PARAMS: " + message)
    error.code = "LORA_INVALID_PARAMS"
    return error


def query_error(code: str, message: str) -> LoraQueryError:
    error = LoraQueryError(code + ": " + message)
    error.code = code
    return error


def quoted(value: object) -> str:
    """A value that a caller gave, for a message."""
    if isinstance(value, (str, int, float, type(None))):
        return "`%s`" % (value,)
    return "a `%s`" % type(value).__name__


def _mapping(name: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise params_error("%s must be a mapping, not `%s`" % (name, type(value).__name__))
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _type_error(name: str, wanted: str, value: object) -> InvalidParamsError:
    return params_error("option `%s` must be %s, not `%s`" % (name, wanted, type(value).__name__))


def boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _type_error(name, "True or False", value)
    return value


def _integer(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _type_error(name, "an integer", value)
        number = int(value)
        if not low <= number <= high:
            raise params_error("option `%s` must be from %d to %d, not `%d`" % (name, low, high, number))
        return number

    return check


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise params_error("option `%s` must be one of %s, not %s" % (name, ", ".join(choices), quoted(value)))
        return value

    return check


def path_bytes(name: str, value: Any) -> bytes:
    """A path as the bytes that the file system knows it by."""
    try:
        path = os.fsencode(value)
    except TypeError:
        raise params_error("`%s` must be a str or PathLike, not `%s`" % (name, type(value).__name__)) from None
    except UnicodeEncodeError:
        raise params_error("`%s` holds characters that no path has" % name) from None
    if not path:
        raise params_error("`%s` must not be empty" % name)
    if b"\0" in path:
        raise params_error("`%s` holds a null byte" % name)
    return path


# CSV files by the labels of their nodes, or by the type of their relationships: str or PathLike, or lists of them.
ImportFiles = Optional[Mapping[str, Any]]


def import_files(name: str, files: ImportFiles, labels: bool) -> List[Tuple[List[str], bytes]]:
    """The names and the path of each file."""
    if files is None:
        return []
    if not isinstance(files, Mapping):
        raise params_error("`%s` must be a mapping from names to paths, not `%s`" % (name, type(files).__name__))
    out = []
    for key, paths in files.items():
        if not isinstance(key, str):
            raise params_error("`%s` has a key that is no str but `%s`" % (name, type(key).__name__))
        try:
            key.encode()
        except UnicodeEncodeError:
            raise params_error("`%s` has a key that is no text: %s" % (name, ascii(key))) from None
        if ":" in key and not labels:
            raise params_error("`%s` has the key `%s`, but a relationship has one type" % (name, key))
        names = [part for part in key.split(":") if part] if labels else [key] if key else []
        for path in paths if isinstance(paths, (list, tuple)) else [paths]:
            out.append((names, path_bytes("%s[%s]" % (name, quoted(key)), path)))
    return out


def import_separators(separator: str, list_separator: str) -> Tuple[str, str]:
    """Both, looked at: one ASCII character each that can separate fields."""
    for name, value in (("separator", separator), ("list_separator", list_separator)):
        if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in '"\n\r\0':
            raise params_error("`%s` must be one ASCII character, no quote, not %s" % (name, quoted(value)))
    if separator == list_separator:
        raise params_error("`list_separator` must not be that of the fields")
    return separator, list_separator


_MAX = 2**63 - 1
DATABASE_OPTIONS: Dict[str, Callable[[str, Any], Any]] = {
    "database_dir": path_bytes,
    "create_if_missing": boolean,
    "read_only": boolean,
    "sync": _one_of("commit", "interval", "off"),
    "sync_interval_ms": _integer(1, 86_400_000),
    "cache_bytes": _integer(1 << 20, _MAX),
    "busy_timeout_ms": _integer(0, 2**32 - 1),
    "query_timeout_ms": _integer(0, _MAX),
    "query_memory_bytes": _integer(1 << 20, _MAX),
    "import_dir": path_bytes,
    "on_corruption": _one_of("error", "recover"),
}


def _known(key: object, names: Iterable[str]) -> str:
    """The snake_case name of an option key in either spelling."""
    names = list(names)
    if isinstance(key, str):
        for name in names:
            if key in (name, _camel(name)):
                return name
        near = difflib.get_close_matches(key, names + [_camel(n) for n in names], 1, 0.5)
        if near:
            raise params_error("unknown option `%s`; did you mean `%s`?" % (key, near[0]))
        raise params_error("unknown option `%s`; known are %s" % (key, ", ".join(names)))
    raise params_error("option names must be str, not `%s`" % type(key).__name__)


def database_options(name: Optional[str], options: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    if options is None:
        return {}
    options = _mapping("options", options)
    result: Dict[str, Any] = {}
    seen: Set[str] = set()
    for key, value in options.items():
        if key in ("open_wal", "openWal", "snapshot_every_commits", "snapshotEveryCommits"):
            raise query_error(
                "LORA_CONFIG",
                "`%s` belongs to `open_wal`, which this version does not have; use `Database(name, options)`: every "
                "named database has a write-ahead log" % key,
            )
        known = _known(key, DATABASE_OPTIONS)
        if known in seen:
            raise params_error("option `%s` is given twice" % known)
        seen.add(known)
        if value is not None:
            result[known] = DATABASE_OPTIONS[known](known, value)
    if name is None:
        for key in ("database_dir", "create_if_missing", "read_only", "sync", "sync_interval_ms", "on_corruption"):
            if key in result:
                raise query_error(
                    "LORA_CONFIG", "option `%s` needs a database name; an in-memory database has no files" % key
                )
    return result


# --- snapshots ---

# As _native takes it: kind, key id, password, key, memory cost in KiB, passes, lanes.
Crypto = Optional[Tuple[str, bytes, bytes, bytes, int, int, int]]


def _text_bytes(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise _type_error(name, "a str", value)
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise params_error("option `%s` holds a lone surrogate: not valid Unicode text" % name) from None


def _key_bytes(name: str, value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview, list, tuple)):
        try:
            key = bytes(value)
        except (TypeError, ValueError):
            key = b""
        if len(key) == 32:
            return key
    raise params_error("option `%s` must be 32 bytes, or a list of 32 integers from 0 to 255" % name)


def _crypto(value: Any, option: str) -> Crypto:
    if value is None:
        return None
    names = ("type", "key_id", "password", "params", "key")
    fields = {_known(key, names): item for key, item in _mapping("option `%s`" % option, value).items()}
    kind = fields.get("type")
    if kind not in ("password", "key"):
        raise params_error("option `%s.type` must be password or key, not %s" % (option, quoted(kind)))
    for name in ("key",) if kind == "password" else ("password", "params"):
        if fields.get(name) is not None:
            raise params_error("option `%s.%s` does not go with the type %s" % (option, name, kind))
    key_id = _text_bytes(option + ".keyId", fields.get("key_id") or "")
    if kind == "password":
        password = _text_bytes(option + ".password", fields.get("password"))
        params = fields.get("params") or {}
        checks = {
            "memory_cost_kib": _integer(8, 1 << 20),
            "time_cost": _integer(1, 64),
            "parallelism": _integer(1, 255),
        }
        costs = {"memory_cost_kib": 65536, "time_cost": 3, "parallelism": 1}
        for key, item in _mapping("option `%s.params`" % option, params).items():
            known = _known(key, checks)
            costs[known] = checks[known]("%s.params.%s" % (option, known), item)
        return ("password", key_id, password, b"", costs["memory_cost_kib"], costs["time_cost"], costs["parallelism"])
    return ("key", key_id, b"", _key_bytes(option + ".key", fields.get("key")), 65536, 3, 1)


def save_options(options: Optional[Mapping[str, Any]]) -> Tuple[str, int, Crypto]:
    codec, level = "zstd", 1
    crypto: Crypto = None
    if options is None:
        return codec, level, crypto
    options = _mapping("options", options)
    for key, value in options.items():
        name = _known(key, ("compression", "encryption"))
        if name == "encryption":
            crypto = _crypto(value, "encryption")
        elif value is not None:
            chosen: Any = value
            given = None
            if isinstance(value, Mapping):
                fields = {_known(k, ("format", "level")): v for k, v in value.items()}
                chosen, given = fields.get("format"), fields.get("level")
            if not isinstance(chosen, str) or chosen not in ("none", "gzip", "zstd"):
                raise query_error(
                    "LORA_SNAPSHOT_CODEC", "unknown compression %s; use none, gzip or zstd" % quoted(chosen)
                )
            codec = chosen
            level = {"none": 0, "gzip": 6, "zstd": 1}[codec]
            if given is not None and codec == "none":
                raise params_error("option `compression.level` does not go with the format none")
            if given is not None:
                low, high = {"gzip": (1, 9), "zstd": (1, 22)}[codec]
                level = _integer(low, high)("compression.level", given)
    return codec, level, crypto


def load_options(options: Optional[Mapping[str, Any]]) -> Crypto:
    crypto: Crypto = None
    if options is None:
        return crypto
    options = _mapping("options", options)
    for key, value in options.items():
        name = _known(key, ("credentials", "encryption"))
        given = _crypto(value, name)
        if crypto is not None and given is not None:
            raise params_error("give either `credentials` or `encryption`")
        crypto = given or crypto
    return crypto
