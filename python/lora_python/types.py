"""Shapes of values and results, constructors of tagged values, and guards.

The constructors make plain dicts, exactly as a query returns them, without calling the engine; what they hold is
checked when a query uses them. The guards look at ``kind`` only and never raise.
"""

from __future__ import annotations

import datetime as _dt
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, TypedDict, Union

from .options import params_error

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

__all__ = [
    "LoraBinary",
    "LoraDate",
    "LoraDateTime",
    "LoraDuration",
    "LoraLocalDateTime",
    "LoraLocalTime",
    "LoraNode",
    "LoraParam",
    "LoraParams",
    "LoraPath",
    "LoraPoint",
    "LoraRelationship",
    "LoraTemporal",
    "LoraTime",
    "LoraValue",
    "LoraVector",
    "QueryResult",
    "ImportCounts",
    "SnapshotMeta",
    "binary",
    "cartesian",
    "cartesian_3d",
    "date",
    "datetime",
    "duration",
    "is_binary",
    "is_node",
    "is_path",
    "is_point",
    "is_relationship",
    "is_temporal",
    "is_vector",
    "localdatetime",
    "localtime",
    "time",
    "vector",
    "wgs84",
    "wgs84_3d",
]


class LoraNode(TypedDict):
    """A node: ``kind`` is ``"node"``."""

    kind: str
    id: int
    labels: List[str]
    properties: Dict[str, Any]


class LoraRelationship(TypedDict):
    """A relationship: ``kind`` is ``"relationship"``."""

    kind: str
    id: int
    startId: int
    endId: int
    type: str
    properties: Dict[str, Any]


class LoraPath(TypedDict):
    """A path: ``kind`` is ``"path"``; one node more than relationships."""

    kind: str
    nodes: List[LoraNode]
    rels: List[LoraRelationship]


class LoraTemporal(TypedDict):
    """A temporal value: ``kind`` names its type, ``iso`` is its ISO 8601 text."""

    kind: str
    iso: str


LoraDate = LoraTemporal
LoraTime = LoraTemporal
LoraLocalTime = LoraTemporal
LoraDateTime = LoraTemporal
LoraLocalDateTime = LoraTemporal
LoraDuration = LoraTemporal


class _PointBase(TypedDict):
    kind: str
    srid: int
    crs: str
    x: float
    y: float


class LoraPoint(_PointBase, total=False):
    """A point: ``kind`` is ``"point"``; ``srid`` 7203, 9157, 4326 or 4979 says which keys beyond x and y are there."""

    z: float
    longitude: float
    latitude: float
    height: float


class LoraVector(TypedDict):
    """A vector: ``kind`` is ``"vector"``."""

    kind: str
    dimension: int
    coordinateType: str
    values: List[Union[int, float]]


class LoraBinary(TypedDict):
    """Bytes: ``kind`` is ``"binary"``."""

    kind: str
    length: int
    segments: List[bytes]


LoraValue = Union[
    None,
    bool,
    int,
    float,
    str,
    List[Any],
    Dict[str, Any],
    LoraNode,
    LoraRelationship,
    LoraPath,
    LoraTemporal,
    LoraPoint,
    LoraVector,
    LoraBinary,
]
LoraParam = Any
LoraParams = Mapping[str, LoraParam]


class SnapshotMeta(TypedDict):
    """What saving or loading a snapshot reports."""

    formatVersion: int
    nodeCount: int
    relationshipCount: int
    walLsn: Optional[int]


class ImportCounts(TypedDict):
    """What an import has added, and how many dangling relationships it has left out."""

    nodes: int
    relationships: int
    skipped: int


class QueryResult(Dict[str, Any]):
    """The result of a query: a dict with exactly ``columns`` (names in order) and ``rows`` (a list of dicts).

    Examples
    --------
    >>> from lora_python import Database
    >>> Database().execute("RETURN 1 AS one")
    {'columns': ['one'], 'rows': [{'one': 1}]}
    """

    __slots__ = ()


# --- temporal constructors ---


def _fraction(microsecond: int) -> str:
    return (".%06d" % microsecond).rstrip("0") if microsecond else ""


def _clock(value: Union[_dt.time, _dt.datetime]) -> str:
    text = "%02d:%02d" % (value.hour, value.minute)
    if value.second or value.microsecond:
        text += ":%02d%s" % (value.second, _fraction(value.microsecond))
    return text


def _offset(value: Union[_dt.time, _dt.datetime]) -> str:
    delta = value.utcoffset()
    if delta is None or not delta:
        return "Z"
    seconds = int(delta.total_seconds())
    sign = "-" if seconds < 0 else "+"
    seconds = abs(seconds)
    text = "%s%02d:%02d" % (sign, seconds // 3600, seconds // 60 % 60)
    return text + (":%02d" % (seconds % 60) if seconds % 60 else "")


def _tagged(kind: str, value: Any, wanted: type, text: Callable[[Any], str]) -> LoraTemporal:
    if isinstance(value, str):
        return {"kind": kind, "iso": value}
    if isinstance(value, wanted):
        return {"kind": kind, "iso": text(value)}
    message = "%s() takes ISO text or a datetime.%s, not `%s`"
    raise params_error(message % (kind, wanted.__name__, type(value).__name__))


def _coordinates(kind: str, **values: Any) -> List[float]:
    for name, value in values.items():
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise params_error("%s() takes numbers; `%s` is `%s`" % (kind, name, type(value).__name__))
        try:
            values[name] = float(value)
        except OverflowError:
            raise params_error("%s(): `%s` is beyond the range of a float" % (kind, name)) from None
    return list(values.values())


def date(value: Union[str, _dt.date]) -> LoraDate:
    """A Cypher DATE from ISO text or a `datetime.date`.

    Examples
    --------
    >>> date("2026-05-01")
    {'kind': 'date', 'iso': '2026-05-01'}
    """
    return _tagged("date", value, _dt.date, lambda v: "%04d-%02d-%02d" % (v.year, v.month, v.day))


def time(value: Union[str, _dt.time]) -> LoraTime:
    """A Cypher ZONED TIME from ISO text or a `datetime.time` (without an offset: UTC).

    Examples
    --------
    >>> time("10:30+01:00")
    {'kind': 'time', 'iso': '10:30+01:00'}
    """
    return _tagged("time", value, _dt.time, lambda v: _clock(v) + _offset(v))


def localtime(value: Union[str, _dt.time]) -> LoraLocalTime:
    """A Cypher LOCAL TIME from ISO text or a `datetime.time`.

    Examples
    --------
    >>> localtime("10:30")
    {'kind': 'localtime', 'iso': '10:30'}
    """
    return _tagged("localtime", value, _dt.time, _clock)


def _zone(value: _dt.datetime) -> str:
    key = getattr(value.tzinfo, "key", None)
    return "[%s]" % key if isinstance(key, str) and key != "UTC" else ""


def datetime(value: Union[str, _dt.datetime]) -> LoraDateTime:
    """A Cypher ZONED DATETIME from ISO text or a `datetime.datetime` (without a zone: UTC).

    Examples
    --------
    >>> datetime("2024-01-01T10:00:00+01:00[Europe/Berlin]")["kind"]
    'datetime'
    """
    return _tagged(
        "datetime", value, _dt.datetime, lambda v: v.date().isoformat() + "T" + _clock(v) + _offset(v) + _zone(v)
    )


def localdatetime(value: Union[str, _dt.datetime]) -> LoraLocalDateTime:
    """A Cypher LOCAL DATETIME from ISO text or a `datetime.datetime`.

    Examples
    --------
    >>> localdatetime("2024-01-01T10:00")
    {'kind': 'localdatetime', 'iso': '2024-01-01T10:00'}
    """
    return _tagged("localdatetime", value, _dt.datetime, lambda v: v.date().isoformat() + "T" + _clock(v))


def _duration_text(value: _dt.timedelta) -> str:
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign = -1 if microseconds < 0 else 1
    microseconds *= sign
    days, microseconds = divmod(microseconds, 86_400_000_000)
    hours, microseconds = divmod(microseconds, 3_600_000_000)
    minutes, microseconds = divmod(microseconds, 60_000_000)
    seconds, microseconds = divmod(microseconds, 1_000_000)
    mark = "-" if sign < 0 else ""
    text = "P" + ("%s%dD" % (mark, days) if days else "")
    clock = ("%s%dH" % (mark, hours) if hours else "") + ("%s%dM" % (mark, minutes) if minutes else "")
    if seconds or microseconds:
        clock += "%s%d%sS" % (mark, seconds, _fraction(microseconds))
    if clock:
        text += "T" + clock
    return text if len(text) > 1 else "PT0S"


def duration(value: Union[str, _dt.timedelta]) -> LoraDuration:
    """A Cypher DURATION from ISO text or a `datetime.timedelta`.

    Examples
    --------
    >>> duration("PT90M")
    {'kind': 'duration', 'iso': 'PT90M'}
    """
    return _tagged("duration", value, _dt.timedelta, _duration_text)


# --- points, vectors, bytes ---


def cartesian(x: float, y: float) -> LoraPoint:
    """A point in the plane (SRID 7203).

    Examples
    --------
    >>> cartesian(1, 2)
    {'kind': 'point', 'srid': 7203, 'crs': 'cartesian', 'x': 1.0, 'y': 2.0}
    """
    x, y = _coordinates("cartesian", x=x, y=y)
    return {"kind": "point", "srid": 7203, "crs": "cartesian", "x": x, "y": y}


def cartesian_3d(x: float, y: float, z: float) -> LoraPoint:
    """A point in space (SRID 9157).

    Examples
    --------
    >>> cartesian_3d(1, 2, 3)["crs"]
    'cartesian-3D'
    """
    x, y, z = _coordinates("cartesian_3d", x=x, y=y, z=z)
    return {"kind": "point", "srid": 9157, "crs": "cartesian-3D", "x": x, "y": y, "z": z}


def wgs84(longitude: float, latitude: float) -> LoraPoint:
    """A point on Earth (SRID 4326), in degrees.

    Examples
    --------
    >>> wgs84(4.89, 52.37)["latitude"]
    52.37
    """
    longitude, latitude = _coordinates("wgs84", longitude=longitude, latitude=latitude)
    return {
        "kind": "point",
        "srid": 4326,
        "crs": "WGS-84-2D",
        "x": longitude,
        "y": latitude,
        "longitude": longitude,
        "latitude": latitude,
    }


def wgs84_3d(longitude: float, latitude: float, height: float) -> LoraPoint:
    """A point on Earth with a height in metres (SRID 4979).

    Examples
    --------
    >>> wgs84_3d(4.89, 52.37, 10)["height"]
    10.0
    """
    longitude, latitude, height = _coordinates("wgs84_3d", longitude=longitude, latitude=latitude, height=height)
    return {
        "kind": "point",
        "srid": 4979,
        "crs": "WGS-84-3D",
        "x": longitude,
        "y": latitude,
        "z": height,
        "longitude": longitude,
        "latitude": latitude,
        "height": height,
    }


def vector(values: Iterable[Union[int, float]], dimension: int, coordinate_type: str) -> LoraVector:
    """A vector of 1 to 4096 coordinates.

    Parameters
    ----------
    values : iterable of numbers
    dimension : int
        How many there are.
    coordinate_type : str
        ``FLOAT64``, ``FLOAT32``, ``INTEGER``, ``INTEGER32``, ``INTEGER16`` or ``INTEGER8``.

    Examples
    --------
    >>> vector([1, 2], 2, "INTEGER8")["dimension"]
    2
    """
    plain = getattr(values, "tolist", None)  # numpy: Python numbers
    try:
        coordinates = plain() if callable(plain) else list(values)
    except TypeError:
        raise params_error("vector() takes a list of numbers, not `%s`" % type(values).__name__) from None
    return {"kind": "vector", "dimension": dimension, "coordinateType": coordinate_type, "values": coordinates}


def binary(segments: Union[bytes, bytearray, memoryview, Sequence[Union[bytes, bytearray, memoryview]]]) -> LoraBinary:
    """Bytes, as one piece or several.

    Examples
    --------
    >>> binary([b"ab", b"c"])
    {'kind': 'binary', 'length': 3, 'segments': [b'ab', b'c']}
    """
    if isinstance(segments, (bytes, bytearray, memoryview)):
        segments = [segments]
    if not isinstance(segments, Iterable):
        raise params_error("binary() takes bytes or a list of bytes, not `%s`" % type(segments).__name__)
    segments = list(segments)
    for segment in segments:
        if not isinstance(segment, (bytes, bytearray, memoryview)):
            raise params_error("binary() takes bytes or a list of bytes, not `%s`" % type(segment).__name__)
    pieces = [bytes(segment) for segment in segments]
    return {"kind": "binary", "length": sum(map(len, pieces)), "segments": pieces}


# --- guards ---


def _has_kind(value: object, *kinds: str) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("kind")
    return isinstance(kind, str) and kind in kinds


def is_node(value: object) -> TypeGuard[LoraNode]:
    """Whether a returned value is a node.

    Examples
    --------
    >>> is_node({"kind": "node", "id": 1, "labels": [], "properties": {}}), is_node(1)
    (True, False)
    """
    return _has_kind(value, "node")


def is_relationship(value: object) -> TypeGuard[LoraRelationship]:
    """Whether a returned value is a relationship.

    Examples
    --------
    >>> is_relationship(None)
    False
    """
    return _has_kind(value, "relationship")


def is_path(value: object) -> TypeGuard[LoraPath]:
    """Whether a returned value is a path.

    Examples
    --------
    >>> is_path({"kind": "path", "nodes": [], "rels": []})
    True
    """
    return _has_kind(value, "path")


def is_point(value: object) -> TypeGuard[LoraPoint]:
    """Whether a value is a point.

    Examples
    --------
    >>> is_point(cartesian(1, 2))
    True
    """
    return _has_kind(value, "point")


def is_temporal(value: object) -> TypeGuard[LoraTemporal]:
    """Whether a value is a date, a time or a duration.

    Examples
    --------
    >>> is_temporal(date("2024-01-01"))
    True
    """
    return _has_kind(value, "date", "time", "localtime", "datetime", "localdatetime", "duration")


def is_vector(value: object) -> TypeGuard[LoraVector]:
    """Whether a value is a vector.

    Examples
    --------
    >>> is_vector(vector([1.5], 1, "FLOAT32"))
    True
    """
    return _has_kind(value, "vector")


def is_binary(value: object) -> TypeGuard[LoraBinary]:
    """Whether a value is bytes.

    Examples
    --------
    >>> is_binary(binary(b"abc"))
    True
    """
    return _has_kind(value, "binary")
