"""Checks options given as dicts and turns them into what the engine takes."""

from __future__ import annotations

import difflib
import os
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

from .errors import InvalidParamsError, LoraQueryError


def params_error(message: str) -> InvalidParamsError:
    error = InvalidParamsError("LORA_INVALID_PARAMS: " + message)
    error.code = "LORA_INVALID_PARAMS"
    return error


def query_error(code: str, message: str) -> LoraQueryError:
    error = LoraQueryError(code + ": " + message)
    error.code = code
    return error


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _type_error(name: str, wanted: str, value: object) -> InvalidParamsError:
    return params_error("option `%s` must be %s, not `%s`" % (name, wanted, type(value).__name__))


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _type_error(name, "True or False", value)
    return value


def _integer(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _type_error(name, "an integer", value)
        if not low <= value <= high:
            raise params_error("option `%s` must be from %d to %d, not `%d`" % (name, low, high, value))
        return value

    return check


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise params_error("option `%s` must be one of %s, not `%r`" % (name, ", ".join(choices), value))
        return str(value)

    return check


def path_text(name: str, value: Any) -> str:
    """A str or PathLike as str."""
    try:
        text = os.fspath(value)
    except TypeError:
        raise _type_error(name, "a str or PathLike", value) from None
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if not text:
        raise params_error("option `%s` must not be empty" % name)
    return text


_MAX = 2**63 - 1
DATABASE_OPTIONS: Dict[str, Callable[[str, Any], Any]] = {
    "database_dir": path_text,
    "create_if_missing": _boolean,
    "read_only": _boolean,
    "sync": _one_of("commit", "interval", "off"),
    "sync_interval_ms": _integer(1, 86_400_000),
    "cache_bytes": _integer(1 << 20, _MAX),
    "busy_timeout_ms": _integer(0, 2**32 - 1),
    "query_timeout_ms": _integer(0, _MAX),
    "query_memory_bytes": _integer(1 << 20, _MAX),
    "import_dir": path_text,
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
    if not isinstance(options, Mapping):
        raise params_error("options must be a mapping, not `%s`" % type(options).__name__)
    result = {}
    for key, value in options.items():
        if key in ("open_wal", "openWal", "snapshot_every_commits", "snapshotEveryCommits"):
            raise query_error(
                "LORA_CONFIG",
                "`%s` belongs to `open_wal`, which this version does not have; use `Database(name, options)`: every "
                "named database has a write-ahead log" % key,
            )
        known = _known(key, DATABASE_OPTIONS)
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

Crypto = Optional[Tuple[str, str, str, bytes, int, int, int]]


def _crypto(value: Any, option: str) -> Crypto:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _type_error(option, "a mapping", value)
    fields = {}
    for key, item in value.items():
        fields[_known(key, ("type", "key_id", "password", "params", "key"))] = item
    kind = fields.get("type")
    key_id = fields.get("key_id") or ""
    if not isinstance(key_id, str):
        raise _type_error(option + ".keyId", "a str", key_id)
    if kind == "password":
        password = fields.get("password")
        if not isinstance(password, str):
            raise _type_error(option + ".password", "a str", password)
        params = fields.get("params") or {}
        if not isinstance(params, Mapping):
            raise _type_error(option + ".params", "a mapping", params)
        checks = {
            "memory_cost_kib": _integer(8, 1 << 20),
            "time_cost": _integer(1, 64),
            "parallelism": _integer(1, 255),
        }
        costs = {"memory_cost_kib": 65536, "time_cost": 3, "parallelism": 1}
        for key, item in params.items():
            known = _known(key, checks)
            costs[known] = checks[known]("%s.params.%s" % (option, known), item)
        return ("password", key_id, password, b"", costs["memory_cost_kib"], costs["time_cost"], costs["parallelism"])
    if kind == "key":
        key = fields.get("key")
        try:
            raw = bytes(key) if not isinstance(key, (int, str)) and key is not None else b""
        except (TypeError, ValueError):
            raw = b""
        if len(raw) != 32:
            raise params_error("option `%s.key` must be 32 bytes" % option)
        return ("key", key_id, "", raw, 65536, 3, 1)
    raise params_error("option `%s.type` must be password or key, not `%r`" % (option, kind))


def save_options(options: Optional[Mapping[str, Any]]) -> Tuple[str, int, Crypto]:
    codec, level, crypto = "zstd", 1, None
    if options is None:
        return codec, level, crypto
    if not isinstance(options, Mapping):
        raise params_error("options must be a mapping, not `%s`" % type(options).__name__)
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
            if chosen not in ("none", "gzip", "zstd"):
                raise query_error(
                    "LORA_SNAPSHOT_CODEC", "unknown compression `%r`; use none, gzip or zstd" % (chosen,)
                )
            codec = chosen
            level = {"none": 0, "gzip": 6, "zstd": 1}[codec]
            if given is not None:
                low, high = {"none": (0, 0), "gzip": (1, 9), "zstd": (1, 22)}[codec]
                level = _integer(low, high)("compression.level", given)
    return codec, level, crypto


def load_options(options: Optional[Mapping[str, Any]]) -> Crypto:
    crypto = None
    if options is None:
        return crypto
    if not isinstance(options, Mapping):
        raise params_error("options must be a mapping, not `%s`" % type(options).__name__)
    for key, value in options.items():
        name = _known(key, ("credentials", "encryption"))
        crypto = _crypto(value, name) or crypto
    return crypto
