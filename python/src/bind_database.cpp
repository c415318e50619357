#include <cmath>
#include <cstring>

#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

namespace {

PyObject* result_class = nullptr;      // lora_python.QueryResult
PyObject* columns_name = nullptr;
PyObject* rows_name = nullptr;
unsigned long main_thread = 0;

// Runs engine code without the GIL.
template <typename F>
auto without_gil(F f) {
  py::gil_scoped_release release;
  return f();
}

// A Python exception raised inside a callback, carried past the engine.
class CallbackError {
 public:
  void fetch() { PyErr_Fetch(&type_, &value_, &trace_); }
  bool restore() {
    if (type_ == nullptr) return false;
    PyErr_Restore(type_, value_, trace_);
    type_ = value_ = trace_ = nullptr;
    return true;
  }

 private:
  PyObject *type_ = nullptr, *value_ = nullptr, *trace_ = nullptr;
};

Status check_signals() {
  py::gil_scoped_acquire acquire;
  // The exception (KeyboardInterrupt) stays set in this thread; raise_status lets it win.
  if (PyErr_CheckSignals() != 0) return {ErrorCode::kInterrupted, "the query was interrupted by a signal"};
  return Status();
}

graph::SnapshotCrypto crypto_from_python(const py::object& object) {
  graph::SnapshotCrypto crypto;
  if (object.is_none()) return crypto;
  const auto parts = object.cast<py::tuple>();
  const auto kind = parts[0].cast<std::string>();
  crypto.kind = kind == "password" ? graph::SnapshotCrypto::Kind::kPassword : graph::SnapshotCrypto::Kind::kKey;
  crypto.key_id = parts[1].cast<std::string>();
  crypto.password = parts[2].cast<std::string>();
  crypto.key = parts[3].cast<std::string>();
  crypto.memory_cost_kib = parts[4].cast<uint32_t>();
  crypto.time_cost = parts[5].cast<uint32_t>();
  crypto.parallelism = parts[6].cast<uint32_t>();
  return crypto;
}

graph::SnapshotSaveOptions save_options(const std::string& codec, int level, const py::object& crypto) {
  graph::SnapshotSaveOptions options;
  options.codec = codec == "none"   ? graph::SnapshotSaveOptions::Codec::kNone
                  : codec == "gzip" ? graph::SnapshotSaveOptions::Codec::kGzip
                                    : graph::SnapshotSaveOptions::Codec::kZstd;
  options.level = level;
  options.crypto = crypto_from_python(crypto);
  return options;
}

py::dict meta_to_python(const graph::SnapshotFileMeta& meta) {
  py::dict d;
  d["formatVersion"] = meta.format_version;
  d["nodeCount"] = meta.node_count;
  d["relationshipCount"] = meta.relationship_count;
  d["walLsn"] = meta.wal_lsn ? py::object(py::int_(*meta.wal_lsn)) : py::object(py::none());
  return d;
}

py::dict node_to_python(const PlanNode& node) {
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

// execute(query, params, timeout, owner_token[, cancel]): the hot call, without pybind11's argument handling.
PyObject* execute(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 4 && count != 5) {
    PyErr_SetString(PyExc_TypeError, "execute takes (query, params, timeout, owner_token[, cancel])");
    return nullptr;
  }
  const CancelToken* cancel = nullptr;
  if (count == 5) {
    try {
      cancel = py::handle(args[4]).cast<const CancelToken*>();
    } catch (const py::cast_error&) {
      PyErr_SetString(PyExc_TypeError, "cancel must be a CancelToken");
      return nullptr;
    }
  }
  auto* instance = reinterpret_cast<py::detail::instance*>(self);
  auto* handle = static_cast<DatabaseHandle*>(instance->simple_value_holder[0]);
  if (handle == nullptr || !handle->database) {
    PyErr_SetString(PyExc_RuntimeError, "the native handle was not initialised");
    return nullptr;
  }
  std::string_view text;
  Value params;
  QueryOptions options;
  const uint64_t owner = PyLong_AsUnsignedLongLong(args[3]);
  if (owner == static_cast<uint64_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  if (!query_text(args[0], &text) || !params_from_python(args[1], &params) || !query_options(args[2], owner, &options, cancel)) {
    return nullptr;
  }
  PyThreadState* state = PyEval_SaveThread();
  Result<QueryResult> result = handle->database->execute(text, params, options);
  PyEval_RestoreThread(state);
  if (!result.ok()) return raise_status(std::move(result).status());
  return result_to_python(*result);
}

// METH_FASTCALL functions have another signature than PyCFunction; this is how CPython wants it spelt.
PyMethodDef execute_method = {"execute", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(execute)),
                              METH_FASTCALL, "execute($self, query, params, timeout, owner_token, cancel=None)\n--\n\n"};

DatabaseOptions database_options(const py::dict& d) {
  DatabaseOptions options;
  const auto has = [&](const char* key) { return d.contains(key) && !d[key].is_none(); };
  if (has("database_dir")) options.database_dir = d["database_dir"].cast<std::string>();
  if (has("create_if_missing")) options.create_if_missing = d["create_if_missing"].cast<bool>();
  if (has("read_only")) options.read_only = d["read_only"].cast<bool>();
  if (has("sync")) {
    const auto sync = d["sync"].cast<std::string>();
    options.sync = sync == "commit" ? SyncLevel::kCommit : sync == "interval" ? SyncLevel::kInterval : SyncLevel::kOff;
  }
  if (has("sync_interval_ms")) options.sync_interval_ms = d["sync_interval_ms"].cast<uint32_t>();
  if (has("cache_bytes")) options.cache_bytes = d["cache_bytes"].cast<uint64_t>();
  if (has("busy_timeout_ms")) options.busy_timeout_ms = d["busy_timeout_ms"].cast<uint32_t>();
  if (has("query_timeout_ms")) options.query_timeout_ms = d["query_timeout_ms"].cast<uint64_t>();
  if (has("query_memory_bytes")) options.query_memory_bytes = d["query_memory_bytes"].cast<uint64_t>();
  if (has("import_dir")) options.import_dir = d["import_dir"].cast<std::string>();
  if (has("on_corruption")) options.recover = d["on_corruption"].cast<std::string>() == "recover";
  return options;
}

std::unique_ptr<DatabaseHandle> open(const py::object& name, const py::dict& options) {
  const DatabaseOptions native = database_options(options);
  Result<std::unique_ptr<Database>> opened = [&] {
    if (name.is_none()) return without_gil([&] { return Database::in_memory(native); });
    const auto text = name.cast<std::string>();
    return without_gil([&] { return Database::open(text, native); });
  }();
  auto handle = std::make_unique<DatabaseHandle>();
  handle->database = take(std::move(opened));
  return handle;
}

QueryOptions options_or_throw(const py::object& timeout, uint64_t owner_token, const CancelToken* cancel = nullptr) {
  QueryOptions options;
  if (!query_options(timeout.ptr(), owner_token, &options, cancel)) throw py::error_already_set();
  return options;
}

Value params_or_throw(const py::object& object) {
  Value params;
  if (!params_from_python(object.ptr(), &params)) throw py::error_already_set();
  return params;
}

std::string text_or_throw(const py::object& object) {
  std::string_view text;
  if (!query_text(object.ptr(), &text)) throw py::error_already_set();
  return std::string(text);
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

// Reads from a Python callable read(size) -> bytes-like.
graph::ByteSource reader_source(const py::object& read, CallbackError* error) {
  return [&read, error](char* buffer, size_t size, size_t* got) -> Status {
    py::gil_scoped_acquire acquire;
    *got = 0;
    PyObject* chunk = PyObject_CallFunction(read.ptr(), "n", static_cast<Py_ssize_t>(size));
    Py_buffer view;
    if (chunk == nullptr || PyObject_GetBuffer(chunk, &view, PyBUF_CONTIG_RO) != 0) {
      error->fetch();
      Py_XDECREF(chunk);
      return Status::io("reading the snapshot failed");
    }
    const auto length = static_cast<size_t>(view.len);
    const bool fits = length <= size;
    if (fits) {
      std::memcpy(buffer, view.buf, length);
      *got = length;
    }
    PyBuffer_Release(&view);
    Py_DECREF(chunk);
    return fits ? Status() : Status::io("the reader returned more bytes than asked for");
  };
}

}  // namespace

void check(const Status& status) {
  if (status.ok()) return;
  raise_status(status);
  throw py::error_already_set();
}

bool query_options(PyObject* timeout, uint64_t owner_token, QueryOptions* options, const CancelToken* cancel) {
  if (timeout != Py_None) {
    const double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      raise_invalid_params("`timeout` must be a number of seconds or None");
      return false;
    }
    if (!(seconds >= 0) || !std::isfinite(seconds)) {
      raise_invalid_params("`timeout` must be a number of seconds, 0 or more");
      return false;
    }
    options->timeout = std::chrono::milliseconds(static_cast<int64_t>(std::ceil(std::fmin(seconds, 1e9) * 1000.0)));
  }
  options->owner_token = owner_token;
  if (cancel != nullptr) options->cancel = &cancel->requested;
  if (PyThread_get_thread_ident() == main_thread) options->poll = check_signals;
  return true;
}

bool query_text(PyObject* object, std::string_view* out) {
  if (!PyUnicode_Check(object)) {
    raise_invalid_params("the query must be a str, not `" + std::string(Py_TYPE(object)->tp_name) + "`");
    return false;
  }
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(object, &size);
  if (data == nullptr) {
    PyErr_Clear();
    raise_status(Status::compile_time(ErrorCode::kParse, "SyntaxError", "InvalidUnicodeCharacter",
                                      "the query holds a lone surrogate: not valid Unicode text"));
    return false;
  }
  *out = {data, static_cast<size_t>(size)};
  return true;
}

PyObject* result_to_python(const QueryResult& result) {
  static PyObject* const kEmpty = PyTuple_New(0);
  auto* type = reinterpret_cast<PyTypeObject*>(result_class);
  PyObject* object = type->tp_new(type, kEmpty, nullptr);
  if (object == nullptr) return nullptr;
  PyObject* columns = names_to_python(result.columns);
  PyObject* rows = columns != nullptr ? rows_to_python(result.columns, result.values.data(), result.row_count) : nullptr;
  if (rows == nullptr || PyDict_SetItem(object, columns_name, columns) != 0 ||
      PyDict_SetItem(object, rows_name, rows) != 0) {
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
  d["result_columns"] = py::cast<py::object>(py::reinterpret_steal<py::object>(names_to_python(plan.result_columns)));
  d["tree"] = node_to_python(plan.tree);
  return d;
}

void bind_database(py::module_& module) {
  columns_name = PyUnicode_InternFromString("columns");
  rows_name = PyUnicode_InternFromString("rows");
  module.def("_register", [](py::object error, py::object query_error, py::object params_error, py::object result,
                             unsigned long main_thread_ident) {
    if (!set_exception_classes(error.ptr(), query_error.ptr(), params_error.ptr())) throw py::error_already_set();
    result_class = result.release().ptr();
    main_thread = main_thread_ident;
  });
  module.def("to_text", [](py::object value) {
    Value v;
    if (!from_python(value.ptr(), "value", &v)) throw py::error_already_set();
    PyObject* object = to_python(v);
    if (object == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(object);
  });

  py::class_<CancelToken, std::shared_ptr<CancelToken>>(module, "CancelToken")
      .def(py::init<>())
      .def("cancel", [](CancelToken& self) { self.requested.store(true, std::memory_order_relaxed); });

  py::class_<DatabaseHandle> handle(module, "Database");
  handle.def_static("open", &open, py::arg("name"), py::arg("options"))
      .def("stream",
           [](DatabaseHandle& self, py::object query, py::object params, py::object timeout, uint64_t owner,
              std::shared_ptr<CancelToken> cancel) {
             const std::string text = text_or_throw(query);
             const Value values = params_or_throw(params);
             const QueryOptions options = options_or_throw(timeout, owner, cancel.get());
             auto stream = std::make_unique<StreamHandle>();
             stream->database = self.database;
             stream->cancel = cancel;
             stream->stream = take(without_gil([&] { return self.database->stream(text, values, options); }));
             return stream;
           },
           py::arg("query"), py::arg("params"), py::arg("timeout"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("begin",
           [](DatabaseHandle& self, bool read_only, py::object timeout, uint64_t owner,
              std::shared_ptr<CancelToken> cancel) {
             const QueryOptions options = options_or_throw(timeout, owner, cancel.get());
             auto transaction = std::make_unique<TransactionHandle>();
             transaction->database = self.database;
             transaction->transaction = take(without_gil([&] {
               return self.database->begin(read_only ? AccessMode::kReadOnly : AccessMode::kReadWrite, options);
             }));
             return transaction;
           },
           py::arg("read_only"), py::arg("timeout"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("transaction",
           [](DatabaseHandle& self, py::list statements, bool read_only, uint64_t owner,
              std::shared_ptr<CancelToken> cancel) {
             std::vector<Statement> list;
             for (py::handle item : statements) {
               const auto pair = item.cast<py::tuple>();
               list.push_back({text_or_throw(pair[0]), params_or_throw(pair[1])});
             }
             const QueryOptions options = options_or_throw(py::none(), owner, cancel.get());
             const std::vector<QueryResult> results = take(without_gil([&] {
               return self.database->transaction(list, read_only ? AccessMode::kReadOnly : AccessMode::kReadWrite,
                                                 options);
             }));
             py::list out;
             for (const QueryResult& r : results) {
               PyObject* object = result_to_python(r);
               if (object == nullptr) throw py::error_already_set();
               out.append(py::reinterpret_steal<py::object>(object));
             }
             return out;
           },
           py::arg("statements"), py::arg("read_only"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("explain",
           [](DatabaseHandle& self, py::object query, py::object params) {
             const std::string text = text_or_throw(query);
             const Value values = params_or_throw(params);
             return plan_to_python(take(without_gil([&] { return self.database->explain(text, values); })));
           })
      .def("profile",
           [](DatabaseHandle& self, py::object query, py::object params, uint64_t owner,
              std::shared_ptr<CancelToken> cancel) {
             const std::string text = text_or_throw(query);
             const Value values = params_or_throw(params);
             const QueryOptions options = options_or_throw(py::none(), owner, cancel.get());
             return profile_to_python(take(without_gil([&] { return self.database->profile(text, values, options); })));
           },
           py::arg("query"), py::arg("params"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("save_snapshot_file",
           [](DatabaseHandle& self, const std::string& path, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             return meta_to_python(take(without_gil([&] { return self.database->save_snapshot_file(path, options); })));
           })
      .def("save_snapshot_bytes",
           [](DatabaseHandle& self, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             std::string bytes;
             const auto sink = [&](ByteView piece) {
               bytes.append(piece);
               return Status();
             };
             (void)take(without_gil([&] { return self.database->save_snapshot(options, sink); }));
             return py::bytes(bytes);
           })
      .def("save_snapshot_writer",
           [](DatabaseHandle& self, py::object write, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             CallbackError error;
             const auto sink = [&](ByteView piece) -> Status {
               py::gil_scoped_acquire acquire;
               PyObject* done = PyObject_CallFunction(write.ptr(), "y#", piece.data(), static_cast<Py_ssize_t>(piece.size()));
               if (done == nullptr) {
                 error.fetch();
                 return Status::io("writing the snapshot failed");
               }
               Py_DECREF(done);
               return Status();
             };
             auto result = without_gil([&] { return self.database->save_snapshot(options, sink); });
             if (!result.ok() && error.restore()) throw py::error_already_set();
             return meta_to_python(take(std::move(result)));
           })
      .def("load_snapshot_file",
           [](DatabaseHandle& self, const std::string& path, py::object crypto, uint64_t owner) {
             const auto credentials = crypto_from_python(crypto);
             const QueryOptions options = options_or_throw(py::none(), owner);
             return meta_to_python(
                 take(without_gil([&] { return self.database->load_snapshot_file(path, credentials, options); })));
           })
      .def("load_snapshot_bytes",
           [](DatabaseHandle& self, py::object bytes, py::object crypto, uint64_t owner) {
             const auto credentials = crypto_from_python(crypto);
             const QueryOptions options = options_or_throw(py::none(), owner);
             Py_buffer view;
             if (PyObject_GetBuffer(bytes.ptr(), &view, PyBUF_CONTIG_RO) != 0) throw py::error_already_set();
             const ByteView all(static_cast<const char*>(view.buf), static_cast<size_t>(view.len));
             size_t at = 0;
             const auto source = [&](char* buffer, size_t size, size_t* got) {
               *got = std::min(size, all.size() - at);
               std::memcpy(buffer, all.data() + at, *got);
               at += *got;
               return Status();
             };
             auto result = without_gil([&] { return self.database->load_snapshot(credentials, source, options); });
             PyBuffer_Release(&view);
             return meta_to_python(take(std::move(result)));
           })
      .def("load_snapshot_reader",
           [](DatabaseHandle& self, py::object read, py::object crypto, uint64_t owner) {
             const auto credentials = crypto_from_python(crypto);
             const QueryOptions options = options_or_throw(py::none(), owner);
             CallbackError error;
             const auto source = reader_source(read, &error);
             auto result = without_gil([&] { return self.database->load_snapshot(credentials, source, options); });
             if (!result.ok() && error.restore()) throw py::error_already_set();
             return meta_to_python(take(std::move(result)));
           })
      .def("clear",
           [](DatabaseHandle& self, uint64_t owner) {
             const QueryOptions options = options_or_throw(py::none(), owner);
             check(without_gil([&] { return self.database->clear(options); }));
           })
      .def("close", [](DatabaseHandle& self) { check(without_gil([&] { return self.database->close(); })); })
      .def("closed", [](DatabaseHandle& self) { return self.database->closed(); })
      .def("node_count", [](DatabaseHandle& self) { return take(self.database->node_count()); })
      .def("relationship_count", [](DatabaseHandle& self) { return take(self.database->relationship_count()); })
      .def("interrupt", [](DatabaseHandle& self) { self.database->interrupt(); })
      .def("sync", [](DatabaseHandle& self) { check(without_gil([&] { return self.database->sync(); })); })
      .def("checkpoint",
           [](DatabaseHandle& self, bool compact) {
             check(without_gil([&] { return self.database->checkpoint(compact); }));
           })
      .def("verify",
           [](DatabaseHandle& self, bool full) {
             const graph::VerifyReport report = take(without_gil([&] { return self.database->verify(full); }));
             py::dict d;
             d["ok"] = report.errors.empty();
             py::list errors;
             for (const std::string& e : report.errors) errors.append(py::str(e));
             d["errors"] = errors;
             return d;
           })
      .def("stats",
           [](DatabaseHandle& self) {
             const graph::GraphStats stats = take(without_gil([&] { return self.database->stats(); }));
             return stats_to_python(stats, self.database->plan_cache_stats());
           })
      .def("path", [](DatabaseHandle& self) { return self.database->path(); });
  PyObject* method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(handle.ptr()), &execute_method);
  if (method == nullptr) throw py::error_already_set();
  handle.attr("execute") = py::reinterpret_steal<py::object>(method);
}

}  // namespace lora::python
