// The class behind lora_python.Database, but for snapshots.
#include <cxxabi.h>

#include <new>

#include "bindings.h"

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

// execute(query, params, timeout, owner_token[, cancel]): the hot call, without pybind11's argument handling.
PyObject* execute(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    if (count != 4 && count != 5) {
      PyErr_SetString(PyExc_TypeError, "execute takes (query, params, timeout, owner_token[, cancel])");
      return nullptr;
    }
    const CancelToken* cancel = count == 5 ? py::handle(args[4]).cast<const CancelToken*>() : nullptr;
    auto* instance = reinterpret_cast<py::detail::instance*>(self);
    auto* handle = static_cast<DatabaseHandle*>(instance->simple_value_holder[0]);
    if (handle == nullptr || handle->database == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "the native handle was not initialised");
      return nullptr;
    }
    const uint64_t owner = PyLong_AsUnsignedLongLong(args[3]);
    if (owner == static_cast<uint64_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
    std::string_view text;
    Value params;
    QueryOptions options;
    if (!query_text(args[0], &text) || !params_from_python(args[1], &params) ||
        !query_options(args[2], owner, &options, cancel)) {
      return nullptr;
    }
    return result_to_python(take(without_gil([&] { return handle->database->execute(text, params, options); })));
  });
}

// METH_FASTCALL functions have another signature than PyCFunction; this is how CPython wants it spelt.
PyMethodDef execute_method = {"execute", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(execute)),
                              METH_FASTCALL,
                              "execute($self, query, params, timeout, owner_token, cancel=None, /)\n--\n\n"};

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
  handle.attr("execute") = own(PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(handle.ptr()), &execute_method));
}

}  // namespace lora::python
