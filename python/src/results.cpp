// What calls return, as Python data.
#include "bindings.h"
#include "cypher/syntax/stack_guard.h"

namespace py = pybind11;

namespace lora::python {

namespace {

PyObject* result_class = nullptr;

py::dict node_to_python(const PlanNode& node) {
  if (cypher::stack_low()) check(Status::limit("depth", "the plan is nested too deep for the stack of this thread"));
  py::list children;
  for (const PlanNode& child : node.children) children.append(node_to_python(child));
  py::dict d;
  d["id"] = node.id;
  d["operator"] = node.op;
  d["details"] = node.details;
  d["estimated_rows"] = node.estimated_rows;
  d["children"] = children;
  return d;
}

}  // namespace

void set_result_class(PyObject* type) {
  result_class = type;
}

PyObject* result_to_python(const QueryResult& result) {
  static PyObject* const kNoArguments = PyTuple_New(0);
  static PyObject* const kColumns = PyUnicode_InternFromString("columns");
  static PyObject* const kRows = PyUnicode_InternFromString("rows");
  auto* type = reinterpret_cast<PyTypeObject*>(result_class);
  PyObject* object = type->tp_new(type, kNoArguments, nullptr);
  if (object == nullptr) return nullptr;
  PyObject* columns = names_to_python(result.columns);
  PyObject* rows = columns != nullptr ? rows_to_python(columns, result.values.data(), result.row_count) : nullptr;
  if (rows == nullptr || PyDict_SetItem(object, kColumns, columns) != 0 || PyDict_SetItem(object, kRows, rows) != 0) {
    Py_CLEAR(object);
  }
  Py_XDECREF(columns);
  Py_XDECREF(rows);
  return object;
}

py::dict plan_to_python(const Plan& plan) {
  py::dict d;
  d["query"] = plan.query;
  d["shape"] = plan.mutating ? "mutating" : "readOnly";
  d["result_columns"] = own(names_to_python(plan.result_columns));
  d["tree"] = node_to_python(plan.tree);
  return d;
}

py::dict profile_to_python(const Profile& profile) {
  py::dict operators;
  for (const OperatorMetrics& m : profile.operators) {
    py::dict d;
    d["rows"] = m.rows;
    d["db_hits"] = m.db_hits;
    d["elapsed_ns"] = m.elapsed_ns;
    d["next_calls"] = m.next_calls;
    operators[py::int_(m.id)] = d;
  }
  py::dict metrics;
  metrics["total_elapsed_ns"] = profile.total_elapsed_ns;
  metrics["total_rows"] = profile.total_rows;
  metrics["mutated"] = profile.mutated;
  metrics["per_operator"] = operators;
  py::dict d;
  d["plan"] = plan_to_python(profile.plan);
  d["metrics"] = metrics;
  return d;
}

py::dict stats_to_python(const graph::GraphStats& s, const Database::CacheStats& plans) {
  py::dict d;
  d["cache_bytes_used"] = s.cache_bytes_used;
  d["cache_bytes_limit"] = s.cache_bytes_limit;
  d["retired_bytes"] = s.retired_bytes;
  d["chunk_loads"] = s.chunk_loads;
  d["chunk_evictions"] = s.chunk_evictions;
  d["open_snapshots"] = s.open_snapshots;
  d["commits"] = s.commits;
  d["memtable_bytes"] = s.store.memtable_bytes;
  d["block_cache_bytes"] = s.store.block_cache_bytes;
  d["table_bytes"] = s.store.table_bytes;
  d["wal_bytes"] = s.store.wal_bytes;
  d["syncs"] = s.store.syncs;
  d["engine"] = s.store.engine;
  d["engine_assertions"] = s.store.assertions;
  d["plan_cache_hits"] = plans.hits;
  d["plan_cache_misses"] = plans.misses;
  d["plan_cache_entries"] = plans.entries;
  return d;
}

}  // namespace lora::python
