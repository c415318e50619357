// The class behind lora_python.Database, but for snapshots.
#include <cxxabi.h>

#include <new>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
// Python.h comes first.
#include <pybind11/stl.h>
#include <structmember.h>

namespace py = pybind11;

namespace lora::python {

namespace {

// Runs code of a function that CPython calls directly: C++ exceptions end here.
template <typename F>
PyObject* guarded(F f) {
  try {
    return f();
  } catch (abi::__forced_unwind&) {  // the thread is being ended
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    raise_status(Status::internal(error.what()));
  } catch (...) {
    raise_status(Status::internal("an unknown C++ exception"));
  }
  return nullptr;
}

// (names, path) of each file.
using ImportFiles = std::vector<std::pair<std::vector<std::string>, py::bytes>>;

std::vector<ImportFile> import_files(const ImportFiles& files) {
  std::vector<ImportFile> out;
  for (const auto& [names, path] : files) out.push_back({names, std::string(path)});
  return out;
}

PyObject* run(PyObject* native, PyObject* query, PyObject* params_object, PyObject* timeout, uint64_t owner,
              const CancelToken* cancel) {
  auto* instance = reinterpret_cast<py::detail::instance*>(native);
  auto* handle = static_cast<DatabaseHandle*>(instance->simple_value_holder[0]);
  if (handle == nullptr || handle->database == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the native handle was not initialised");
    return nullptr;
  }
  std::string_view text;
  Value params;
  QueryOptions options;
  if (!query_text(query, &text) || !params_from_python(params_object, &params) ||
      !query_options(timeout, owner, &options, cancel)) {
    return nullptr;
  }
  return result_to_python(take(without_gil([&] { return handle->database->execute(text, params, options); })));
}

// execute(query, params, timeout, owner_token[, cancel]), without pybind11's argument handling.
PyObject* execute(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 4 && count != 5) {
      PyErr_SetString(PyExc_TypeError, "execute takes (query, params, timeout, owner_token[, cancel])");
      return nullptr;
    }
    const CancelToken* cancel = count == 5 ? py::handle(args[4]).cast<const CancelToken*>() : nullptr;
    const uint64_t owner = PyLong_AsUnsignedLongLong(args[3]);
    if (owner == static_cast<uint64_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
    return run(self, args[0], args[1], args[2], owner, cancel);
  });
}

// METH_FASTCALL functions have another signature than PyCFunction; this is how CPython wants it spelt.
PyMethodDef execute_method = {"execute", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(execute)),
                              METH_FASTCALL,
                              "execute($self, query, params, timeout, owner_token, cancel=None, /)\n--\n\n"};

// lora_python.Database.execute(query, params=None, *, timeout=None): the hot call, which so has no frame in Python.
// Where the slot `_native` is in its objects:
Py_ssize_t native_offset = 0;
PyTypeObject* native_type = nullptr;  // of what is there
std::string public_execute_doc;

PyObject* public_execute(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    PyObject* given[] = {nullptr, nullptr, nullptr};  // query, params, timeout
    static constexpr const char* kNames[] = {"query", "params", "timeout"};
    if (count > 2) {
      PyErr_Format(PyExc_TypeError, "Database.execute() takes 2 or 3 positional arguments but %zd were given",
                   count + 1);
      return nullptr;
    }
    for (Py_ssize_t i = 0; i < count; ++i) given[i] = args[i];
    for (Py_ssize_t k = 0; names != nullptr && k < PyTuple_GET_SIZE(names); ++k) {
      PyObject* name = PyTuple_GET_ITEM(names, k);
      int at = 0;
      while (at < 3 && PyUnicode_CompareWithASCIIString(name, kNames[at]) != 0) ++at;
      if (at == 3 || given[at] != nullptr) {
        PyErr_Format(PyExc_TypeError, "Database.execute() got %s argument '%U'",
                     at == 3 ? "an unexpected keyword" : "multiple values for", name);
        return nullptr;
      }
      given[at] = args[count + k];
    }
    if (given[0] == nullptr) {
      PyErr_SetString(PyExc_TypeError, "Database.execute() missing 1 required positional argument: 'query'");
      return nullptr;
    }
    PyObject* native = *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + native_offset);
    if (native == nullptr || Py_TYPE(native) != native_type) {
      PyErr_SetString(PyExc_AttributeError, "the database was not initialised");
      return nullptr;
    }
    const py::object kept = py::reinterpret_borrow<py::object>(native);
    return run(native, given[0], given[1] != nullptr ? given[1] : Py_None, given[2] != nullptr ? given[2] : Py_None, 0,
               nullptr);
  });
}

PyMethodDef public_execute_method = {"execute",
                                     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(public_execute)),
                                     METH_FASTCALL | METH_KEYWORDS, nullptr};

// Replaces `execute` of lora_python.Database; it keeps its documentation.
void take_over_execute(const py::type& type) {
  const py::object slot = type.attr("_native");
  if (Py_TYPE(slot.ptr()) != &PyMemberDescr_Type) throw py::type_error("`_native` is no slot");
  native_offset = reinterpret_cast<PyMemberDescrObject*>(slot.ptr())->d_member->offset;
  public_execute_doc = "execute($self, /, query, params=None, *, timeout=None)\n--\n\n" +
                       type.attr("execute").attr("__doc__").cast<std::string>();
  public_execute_method.ml_doc = public_execute_doc.c_str();
  type.attr("execute") = own(PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &public_execute_method));
}

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
  remember(handle->database);
  return handle;
}

}  // namespace

void bind_database(py::module_& module) {
  module.def("_register", [](py::object error, py::object query_error, py::object params_error, py::object result,
                             unsigned long main_thread_ident) {
    if (!set_exception_classes(error.ptr(), query_error.ptr(), params_error.ptr())) throw py::error_already_set();
    set_result_class(result.release().ptr());
    start_process(main_thread_ident);
  });
  module.def("_close_all", &close_all);
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    if (pointer == nullptr) return;
    try {
      std::rethrow_exception(pointer);
    } catch (const py::builtin_exception&) {
      throw;  // wrong arguments of a private function: pybind11's own words
    } catch (const py::error_already_set&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      raise_status(Status::internal(error.what()));
    }
  });

  py::class_<CancelToken, std::shared_ptr<CancelToken>>(module, "CancelToken")
      .def(py::init<>())
      .def("cancel", [](CancelToken& self) { self.requested.store(true, std::memory_order_relaxed); });

  py::class_<DatabaseHandle> handle(module, "Database", py::custom_type_setup(set_up_collection));
  forbid_copies(handle);
  handle.def_static("open", &open, py::arg("name"), py::arg("options"))
      .def(
          "stream",
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
      .def(
          "begin",
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
      .def(
          "transaction",
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
            for (const QueryResult& r : results) out.append(own(result_to_python(r)));
            return out;
          },
          py::arg("statements"), py::arg("read_only"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("explain",
           [](DatabaseHandle& self, py::object query, py::object params) {
             const std::string text = text_or_throw(query);
             const Value values = params_or_throw(params);
             return plan_to_python(take(without_gil([&] { return self.database->explain(text, values); })));
           })
      .def(
          "profile",
          [](DatabaseHandle& self, py::object query, py::object params, uint64_t owner,
             std::shared_ptr<CancelToken> cancel) {
            const std::string text = text_or_throw(query);
            const Value values = params_or_throw(params);
            const QueryOptions options = options_or_throw(py::none(), owner, cancel.get());
            return profile_to_python(take(without_gil([&] { return self.database->profile(text, values, options); })));
          },
          py::arg("query"), py::arg("params"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def(
          "import_csv",
          [](DatabaseHandle& self, const ImportFiles& nodes, const ImportFiles& relationships,
             const std::string& separator, const std::string& list_separator, bool skip_dangling, uint64_t owner,
             std::shared_ptr<CancelToken> cancel) {
            ImportOptions files;
            files.nodes = import_files(nodes);
            files.relationships = import_files(relationships);
            files.separator = separator[0];
            files.list_separator = list_separator[0];
            files.skip_dangling = skip_dangling;
            const QueryOptions options = options_or_throw(py::none(), owner, cancel.get());
            const ImportCounts counts = take(without_gil([&] { return self.database->import_csv(files, options); }));
            py::dict d;
            d["nodes"] = counts.nodes;
            d["relationships"] = counts.relationships;
            d["skipped"] = counts.skipped;
            return d;
          },
          py::arg("nodes"), py::arg("relationships"), py::arg("separator"), py::arg("list_separator"),
          py::arg("skip_dangling"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("clear",
           [](DatabaseHandle& self, uint64_t owner) {
             const QueryOptions options = options_or_throw(py::none(), owner);
             check(without_gil([&] { return self.database->clear(options); }));
           })
      .def("close",
           [](DatabaseHandle& self) {
             const Status status = without_gil([&] { return self.database->close(); });
             self.functions.clear();
             self.procedures.clear();
             release_kept_objects();
             check(status);
           })
      .def("closed", [](DatabaseHandle& self) { return self.database->closed(); })
      .def("node_count", [](DatabaseHandle& self) { return take(self.database->node_count()); })
      .def("relationship_count", [](DatabaseHandle& self) { return take(self.database->relationship_count()); })
      .def("interrupt", [](DatabaseHandle& self) { self.database->interrupt(); })
      .def("sync", [](DatabaseHandle& self) { check(without_gil([&] { return self.database->sync(); })); })
      .def("checkpoint", [](DatabaseHandle& self,
                            bool compact) { check(without_gil([&] { return self.database->checkpoint(compact); })); })
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
      .def("stats", [](DatabaseHandle& self) {
        const graph::GraphStats stats = take(without_gil([&] { return self.database->stats(); }));
        return stats_to_python(stats, self.database->plan_cache_stats());
      });
  bind_snapshots(handle);
  bind_callables(handle);
  native_type = reinterpret_cast<PyTypeObject*>(handle.ptr());
  module.def("_take_over_execute", &take_over_execute);
  handle.attr("execute") = own(PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(handle.ptr()), &execute_method));
}

}  // namespace lora::python
