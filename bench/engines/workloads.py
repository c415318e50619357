"""What is measured: the query of each workload, its parameters, and how its answer is judged.

The query is Cypher as openCypher defines it. A dialect has a text of its own only where an engine cannot parse that
one. Answers are lists of rows, each a list of values in the order of the columns.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

FRESH = 10_000_000  # ids of created nodes start here, one block of this size for each workload
SET_FILTERED, SET_ALL = 3_000_000_000, 4_000_000_000  # values that the SET workloads count up from


class Workload(NamedTuple):
    key: str
    title: str
    query: str
    # start, name, pair, ids: from the reference; text: an id in the text; half: half the persons in the text;
    # number: made from i
    params: str = "none"
    dialects: Dict[str, str] = {}
    ordered: bool = False
    reduce: bool = False  # too many rows to send: compared as [number of rows, sum of the first column]
    disk: bool = False  # measured on disk as well
    write: bool = False
    before: Optional[str] = None  # run before each call, not timed
    verify: Optional[str] = None  # after the last call: this query must return base + factor * calls
    factor: int = 1
    base: int = 0
    answers: Optional[str] = None  # key in the reference, if it is another one

    def text(self, dialect: str) -> str:
        return self.dialects.get(dialect, self.query)

    def call(self, dialect: str, i: int, context: Dict[str, Any]) -> Tuple[str, Dict[str, Any]]:
        """Text and parameters of call number `i`."""
        text = self.text(dialect)
        if self.params == "none":
            return text, {}
        if self.params == "start":
            return text, {"id": context["starts"][i % len(context["starts"])]}
        if self.params == "pair":
            a, b = context["pairs"][i % len(context["pairs"])]
            return text, {"a": a, "b": b}
        persons = context["persons"]
        if self.params == "half":
            return text % (persons // 2), {}
        if self.params == "name":
            return text, {"name": context["names"][i % len(context["names"])]}
        if self.params == "ids":
            return text, {"ids": [(i + k * 7919) % persons for k in range(min(1000, persons))]}
        if self.params == "text":  # another text each time, 20 ids, all with known answers
            starts = context["starts"]
            return text % (starts[i % len(starts)], i), {}
        return text, self._numbered(i, persons)

    def _numbered(self, i: int, persons: int) -> Dict[str, Any]:
        near, far = (i * 7919 + 13) % persons, (i * 104729 + 7) % persons
        if self.key == "set_property":
            return {"id": near, "age": 200 + i}
        if self.key == "merge_existing":
            return {"id": near}
        if self.key in ("create_edge", "delete_edge"):
            return {"a": near, "b": far}
        if self.key == "detach_delete":
            return {"a": near, "b": far, "id": 4 * FRESH + i, "witness": 4 * FRESH + FRESH // 2 + i}
        if self.key == "lookup_missing":
            return {"id": -1 - i}
        if self.key == "set_filtered":
            return {"created": SET_FILTERED + i}
        if self.key == "set_all":
            return {"created": SET_ALL + i}
        if self.key == "unwind_create_1000":
            first = 3 * FRESH + i * 1000
            return {"rows": [_new_person(first + k) for k in range(1000)]}
        if self.key == "merge_new":
            return {"id": 2 * FRESH + i}
        return _new_person(FRESH + i)

    def expected(self, i: int, context: Dict[str, Any]) -> List[List[Any]]:
        """The right answer to call number `i`."""
        if self.params == "ids":
            ids = self.call("cypher", i, context)[1]["ids"]
            return [[len(ids), sum(context["ages"][n] for n in ids)]]
        known: List[List[List[Any]]] = context["answers"][self.answers or self.key]
        return known[i % len(known)]


def _new_person(n: int) -> Dict[str, Any]:
    return {"id": n, "name": "somebody %d" % n, "age": 42, "city": "city1", "created": 1_600_000_000, "score": 1.5}


_ONE = "MATCH (p:Person {id: $id})"
_HOP = "-[:KNOWS]->"
_NEW = "id: {0}id, name: {0}name, age: {0}age, city: {0}city, created: {0}created, score: {0}score"
_TEN_LINES = """MATCH (p:Person {id: %s})-[:KNOWS]->(f:Person)
WITH p, f
ORDER BY f.age DESC, f.id
LIMIT 5
OPTIONAL MATCH (f)-[:KNOWS]->(g:Person)
WHERE g.age > 40
  AND g.id <> p.id
WITH f, count(g) AS older
RETURN f.id AS id, f.age AS age, older AS %s
ORDER BY older DESC, id"""
_BLOCK = "MATCH (p:Person) WHERE p.id >= %d AND p.id < %d RETURN count(*) AS n"


def _block(number: int) -> str:
    return _BLOCK % (number * FRESH, (number + 1) * FRESH)


WORKLOADS = [
    Workload("return_1", "RETURN 1", "RETURN 1 AS n"),
    Workload("lookup", "point by id", _ONE + " RETURN p.name AS name", "start", disk=True),
    Workload(
        "lookup_new_text",
        "point, new text each time",
        "MATCH (p:Person {id: %d}) RETURN p.name AS name_%d",
        "text",
        answers="lookup",
    ),
    Workload("lookup_missing", "point, id missing", _ONE + " RETURN p.name AS name", "number"),
    Workload(
        "name_equality",
        "equality without an index",
        "MATCH (p:Person) WHERE p.name = $name RETURN count(*) AS n",
        "name",
    ),
    Workload(
        "lookup_1000",
        "1000 points in one query",
        "UNWIND $ids AS i MATCH (p:Person {id: i}) RETURN count(*) AS n, sum(p.age) AS s",
        "ids",
    ),
    Workload("hop1_count", "1 hop, count", _ONE + _HOP + "(x) RETURN count(*) AS n", "start"),
    Workload("hop1_rows", "1 hop, rows", _ONE + _HOP + "(x) RETURN x.id AS id, x.name AS name", "start", disk=True),
    Workload("hop2_count", "2 hops, count", _ONE + _HOP + "()" + _HOP + "(x) RETURN count(*) AS n", "start", disk=True),
    Workload(
        "hop2_distinct", "2 hops, distinct", _ONE + _HOP + "()" + _HOP + "(x) RETURN count(DISTINCT x) AS n", "start"
    ),
    Workload(
        "hop2_filter",
        "2 hops, filter at the end",
        _ONE + _HOP + "()" + _HOP + "(x) WHERE x.age > 60 RETURN count(*) AS n",
        "start",
    ),
    Workload(
        "hop3_count", "3 hops, count", _ONE + _HOP + "()" + _HOP + "()" + _HOP + "(x) RETURN count(*) AS n", "start"
    ),
    Workload(
        "var1_3_distinct",
        "1 to 3 hops, distinct",
        _ONE + "-[:KNOWS*1..3]->(x) RETURN count(DISTINCT x) AS n",
        "start",
        {"kuzu": _ONE + "-[:KNOWS* TRAIL 1..3]->(x) RETURN count(DISTINCT x) AS n"},
    ),
    Workload(
        "triangles_around",
        "triangles through one node",
        _ONE + _HOP + "(a)" + _HOP + "(b) MATCH (p)-[:KNOWS]->(b) RETURN count(*) AS n",
        "start",
    ),
    Workload(
        "mutual_friends",
        "friends of both",
        "MATCH (a:Person {id: $a})-[:KNOWS]->(m)<-[:KNOWS]-(b:Person {id: $b}) RETURN count(DISTINCT m) AS n",
        "pair",
    ),
    Workload(
        "fof_recommend",
        "friends of friends, top 10",
        _ONE
        + _HOP
        + "()"
        + _HOP
        + "(x:Person) WHERE x.id <> $id AND NOT EXISTS { MATCH (p)-[:KNOWS]->(x) } "
        + "RETURN x.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 10",
        "start",
        {
            "falkordb": _ONE
            + _HOP
            + "()"
            + _HOP
            + "(x:Person) WHERE x.id <> $id AND NOT (p)-[:KNOWS]->(x) "
            + "RETURN x.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 10"
        },
        ordered=True,
    ),
    Workload(
        "shortest_path",
        "shortest path, up to 15",
        "MATCH p = shortestPath((a:Person {id: $a})-[:KNOWS*..15]->(b:Person {id: $b})) RETURN length(p) AS n",
        "pair",
        {
            "kuzu": "MATCH (a:Person {id: $a})-[e:KNOWS* SHORTEST 1..15]->(b:Person {id: $b}) RETURN length(e) AS n",
            "falkordb": "MATCH (a:Person {id: $a}), (b:Person {id: $b}) "
            "WITH shortestPath((a)-[:KNOWS*..15]->(b)) AS p RETURN length(p) AS n",
        },
    ),
    Workload("ten_lines", "ten lines, planned before", _TEN_LINES % ("$id", "n"), "start", ordered=True),
    Workload(
        "ten_lines_new_text",
        "ten lines, new text each time",
        _TEN_LINES % ("%d", "n_%d"),
        "text",
        ordered=True,
        answers="ten_lines",
    ),
    Workload("count_nodes", "count nodes of a label", "MATCH (p:Person) RETURN count(p) AS n"),
    Workload("count_rels", "count relationships", "MATCH ()-[k:KNOWS]->() RETURN count(k) AS n"),
    Workload("filter_count", "scan and filter", "MATCH (p:Person) WHERE p.age > 60 RETURN count(*) AS n", disk=True),
    Workload(
        "compound_filter",
        "scan, four conditions",
        "MATCH (p:Person) WHERE p.age > 30 AND p.age <= 60 AND p.score < 500 AND p.city <> 'city1' "
        "RETURN count(*) AS n",
    ),
    Workload(
        "starts_with", "scan, STARTS WITH", "MATCH (p:Person) WHERE p.name STARTS WITH 'Grace ' RETURN count(*) AS n"
    ),
    Workload(
        "string_contains", "scan, CONTAINS", "MATCH (p:Person) WHERE p.name CONTAINS 'Hopper' RETURN count(*) AS n"
    ),
    Workload(
        "in_lists",
        "scan, IN two lists",
        "MATCH (p:Person) WHERE p.city IN ['city1', 'city2', 'city3', 'city5', 'city8'] "
        "AND p.age IN [20, 30, 40, 50, 60] RETURN count(*) AS n",
    ),
    Workload(
        "upper_text",
        "scan, text in upper case",
        "MATCH (p:Person) WHERE toUpper(p.city) = 'CITY7' RETURN count(*) AS n",
        dialects={"kuzu": "MATCH (p:Person) WHERE upper(p.city) = 'CITY7' RETURN count(*) AS n"},
    ),
    Workload(
        "case_sum",
        "sum of CASE",
        "MATCH (p:Person) RETURN sum(CASE WHEN p.age < 30 THEN 1 WHEN p.age < 60 THEN 2 ELSE 0 END) AS n",
    ),
    Workload(
        "distinct_floor",
        "distinct, of an expression",
        "MATCH (p:Person) RETURN count(DISTINCT floor(p.score / 10)) AS n",
    ),
    Workload(
        "distinct_joined",
        "distinct, of joined texts",
        "MATCH (p:Person) RETURN count(DISTINCT p.city + ' ' + toString(p.age)) AS n",
        dialects={"kuzu": "MATCH (p:Person) RETURN count(DISTINCT p.city + ' ' + string(p.age)) AS n"},
    ),
    Workload(
        "sum_score", "sum, min, max", "MATCH (p:Person) RETURN sum(p.score) AS s, min(p.score) AS a, max(p.score) AS b"
    ),
    Workload(
        "group_by_city",
        "group by city, top 5",
        "MATCH (p:Person) RETURN p.city AS city, count(*) AS n, avg(p.age) AS a ORDER BY n DESC, city LIMIT 5",
        ordered=True,
    ),
    Workload("distinct_city", "distinct cities", "MATCH (p:Person) RETURN count(DISTINCT p.city) AS n"),
    Workload("distinct_name", "distinct names", "MATCH (p:Person) RETURN count(DISTINCT p.name) AS n"),
    Workload(
        "collect_by_city",
        "collect by city",
        "MATCH (p:Person) WITH p.city AS city, collect(p.name) AS names "
        "RETURN city, size(names) AS n ORDER BY n DESC, city LIMIT 5",
        ordered=True,
    ),
    Workload(
        "order_skip",
        "order by name, skip half",
        "MATCH (p:Person) RETURN p.name AS name ORDER BY name SKIP %d LIMIT 10",
        "half",
        ordered=True,
    ),
    Workload(
        "top10_age",
        "top 10 by age",
        "MATCH (p:Person) RETURN p.id AS id, p.age AS age ORDER BY age DESC, id LIMIT 10",
        ordered=True,
    ),
    Workload(
        "rel_filter", "filter on relationships", "MATCH ()-[k:KNOWS]->() WHERE k.since > 2015 RETURN count(*) AS n"
    ),
    Workload(
        "not_followed",
        "nodes nobody knows",
        "MATCH (p:Person) WHERE NOT EXISTS { MATCH (p)<-[:KNOWS]-() } RETURN count(*) AS n",
        dialects={"falkordb": "MATCH (p:Person) WHERE NOT (p)<-[:KNOWS]-() RETURN count(*) AS n"},
    ),
    Workload(
        "not_followed_optional",
        "nobody knows, OPTIONAL MATCH",
        "MATCH (p:Person) OPTIONAL MATCH (p)<-[:KNOWS]-(x) WITH p, x WHERE x IS NULL RETURN count(p) AS n",
        answers="not_followed",
    ),
    Workload(
        "full_hop1_count", "1-hop paths of the whole graph", "MATCH (p:Person)" + _HOP + "(x) RETURN count(*) AS n"
    ),
    Workload(
        "full_hop2_count",
        "2-hop paths of the whole graph",
        "MATCH (p:Person)" + _HOP + "()" + _HOP + "(x) RETURN count(*) AS n",
        disk=True,
    ),
    Workload(
        "full_triangles",
        "triangles of the whole graph",
        "MATCH (a:Person)" + _HOP + "(b)" + _HOP + "(c) MATCH (a)-[:KNOWS]->(c) RETURN count(*) AS n",
    ),
    Workload(
        "degree_distribution",
        "degree distribution",
        "MATCH (p:Person)" + _HOP + "(x) WITH p, count(*) AS d RETURN d, count(*) AS n ORDER BY d DESC LIMIT 10",
        ordered=True,
    ),
    Workload(
        "city_pairs",
        "pairs of cities, top 5",
        "MATCH (a:Person)" + _HOP + "(b:Person) RETURN a.city AS x, b.city AS y, count(*) AS n "
        "ORDER BY n DESC, x, y LIMIT 5",
        ordered=True,
    ),
    Workload(
        "older_known",
        "ends compared",
        "MATCH (p:Person)" + _HOP + "(q:Person) WHERE q.age > p.age RETURN count(*) AS n",
    ),
    Workload(
        "top3_followed",
        "top 3 followed",
        "MATCH ()-[:KNOWS]->(x:Person) RETURN x.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 3",
        ordered=True,
    ),
    Workload(
        "return_1000",
        "1000 rows",
        "MATCH (p:Person) WHERE p.id < 1000 RETURN p.id AS id, p.name AS name, p.age AS age",
        reduce=True,
    ),
    Workload(
        "return_rows",
        "all persons as rows",
        "MATCH (p:Person) RETURN p.id AS id, p.name AS name, p.age AS age",
        reduce=True,
        disk=True,
    ),
    # Writes, after all reads: first those whose cost depends on the size of the graph, then those that change it.
    # `verify` counts what arrived.
    Workload(
        "lookup_after_write",
        "point right after a SET",
        _ONE + " RETURN p.name AS name",
        "start",
        disk=True,
        write=True,
        before=_ONE + " SET p.created = 7",
        answers="lookup",
    ),
    Workload(
        "set_filtered",
        "SET behind a filter",
        "MATCH (p:Person) WHERE p.age = 30 SET p.created = $created",
        "number",
        disk=True,
        write=True,
        verify="MATCH (p:Person) RETURN max(p.created) AS n",
        base=SET_FILTERED - 1,
    ),
    Workload(
        "set_all",
        "SET on all nodes",
        "MATCH (p:Person) SET p.created = $created",
        "number",
        disk=True,
        write=True,
        verify="MATCH (p:Person) RETURN min(p.created) AS n",
        base=SET_ALL - 1,
    ),
    Workload(
        "create_node",
        "CREATE node",
        "CREATE (:Person {" + _NEW.format("$") + "})",
        "number",
        disk=True,
        write=True,
        verify=_block(1),
    ),
    Workload(
        "set_property",
        "SET by id",
        _ONE + " SET p.age = $age",
        "number",
        disk=True,
        write=True,
        verify="MATCH (p:Person) WHERE p.age >= 200 RETURN max(p.age) AS n",
        base=199,
    ),
    Workload(
        "merge_existing",
        "MERGE existing",
        "MERGE (p:Person {id: $id})",
        "number",
        disk=True,
        write=True,
    ),
    Workload("merge_new", "MERGE new", "MERGE (p:Person {id: $id})", "number", disk=True, write=True, verify=_block(2)),
    Workload(
        "create_edge",
        "CREATE relationship",
        "MATCH (a:Person {id: $a}) MATCH (b:Person {id: $b}) CREATE (a)-[:KNOWS {since: 9999}]->(b)",
        "number",
        disk=True,
        write=True,
        verify="MATCH ()-[k:KNOWS]->() WHERE k.since = 9999 RETURN count(*) AS n",
    ),
    Workload(
        "delete_edge",
        "DELETE relationship",
        "MATCH (a:Person {id: $a})-[k:KNOWS {since: 8888}]->(b:Person {id: $b}) DELETE k",
        "number",
        disk=True,
        write=True,
        before="MATCH (a:Person {id: $a}) MATCH (b:Person {id: $b}) "
        "CREATE (a)-[:KNOWS {since: 8888}]->(b) CREATE (a)-[:KNOWS {since: 8889}]->(b)",
        verify="MATCH ()-[k:KNOWS]->() WHERE k.since = 8888 OR k.since = 8889 RETURN count(*) AS n",
    ),
    Workload(
        "detach_delete",
        "DETACH DELETE node of two",
        "MATCH (p:Person {id: $id}) DETACH DELETE p",
        "number",
        disk=True,
        write=True,
        before="MATCH (a:Person {id: $a}) MATCH (b:Person {id: $b}) CREATE (:Person {id: $witness}) "
        "CREATE (a)-[:KNOWS {since: 7777}]->(p:Person {id: $id}) CREATE (p)-[:KNOWS {since: 7777}]->(b)",
        verify=_block(4),
    ),
    Workload(
        "unwind_create_1000",
        "1000 nodes in one query",
        "UNWIND $rows AS r CREATE (:Person {" + _NEW.format("r.") + "})",
        "number",
        disk=True,
        write=True,
        verify=_block(3),
        factor=1000,
    ),
]

# Run once after an opening and its first answer, when nothing else has been read.
FIRST_SCANS = ("filter_count", "rel_filter")

BY_KEY = {workload.key: workload for workload in WORKLOADS}
