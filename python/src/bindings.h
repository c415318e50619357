// What the bind_*.cpp files share.
//
// The GIL: parameters and results are converted with it, the engine is called and handles are released without it. A
// callback out of the engine takes it again.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "callables.h"
#include "convert.h"
#include "cypher/database.h"

namespace lora::python {

// --- process.cpp: the GIL, the end of the interpreter, fork ---

// Called at import, from the main thread or with its id (threading.get_ident): only that thread polls for signals.
void start_process(unsigned long main_thread_ident);
bool in_main_thread();

// Lets go of the GIL while the engine works. From the end of the interpreter on, only the main thread comes back: a
// daemon thread that wanted the GIL then would be torn down in the middle of its C++ frames, or abort the process by
// printing that its database was closed while the interpreter takes down the standard streams.
class EngineCall {
 public:
  EngineCall();
  ~EngineCall();
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

 private:
  PyThreadState* state_;
};

// Whether this thread must not take the GIL any more.
bool interpreter_ends();

// Remembers a database for close_all().
void remember(const std::shared_ptr<Database>& database);
// At interpreter exit: closes all databases and waits until their calls have come back.
void close_all();

template <typename F>
auto without_gil(F f) {
  const EngineCall call;
  return f();
}

// Frees what may wait, write or close files in its destructor. For destructors of handles, which Python calls with the
// GIL held.
template <typename Pointer>
void free_without_gil(Pointer* pointer) {
  if (*pointer == nullptr) return;
  const EngineCall call;
  pointer->reset();
}

// Stops one running call from another thread: await cancelled, for instance.
struct CancelToken {
  std::atomic<bool> requested{false};
};

// The engine behind lora_python.Database. Streams and transactions hold it too, so the order in which Python frees them
// does not matter.
struct DatabaseHandle {
  std::shared_ptr<Database> database;
  // What is registered, by name in lower case: for the garbage collector, which must see the way from here to the
  // callables and from those, perhaps, back to here. The engine shares the objects. Guarded by the GIL.
  std::map<std::string, std::shared_ptr<KeptObject>> functions, procedures;
  ~DatabaseHandle() {
    functions.clear();
    procedures.clear();
    free_without_gil(&database);
  }
};
struct StreamHandle {
  std::shared_ptr<Database> database;
  std::shared_ptr<CancelToken> cancel;  // outlives the stream, which polls it
  std::unique_ptr<QueryStream> stream;
  ~StreamHandle() {
    free_without_gil(&stream);
    free_without_gil(&database);
  }
};
struct TransactionHandle {
  std::shared_ptr<Database> database;
  std::unique_ptr<Transaction> transaction;
  ~TransactionHandle() {
    free_without_gil(&transaction);
    free_without_gil(&database);
  }
};

// What is called at import: bind_x(module). bind_snapshots and bind_callables add to the Database class.
void bind_database(pybind11::module_& module);
void bind_snapshots(pybind11::class_<DatabaseHandle>& handle);
void bind_callables(pybind11::class_<DatabaseHandle>& handle);
// Lets the garbage collector look through handles.
void set_up_collection(PyHeapTypeObject* type);
void bind_stream(pybind11::module_& module);
void bind_transaction(pybind11::module_& module);

// Makes a handle's class one whose objects only the engine makes: no __new__, no copies, no pickles.
template <typename Class>
void forbid_copies(Class& type) {
  reinterpret_cast<PyTypeObject*>(type.ptr())->tp_new = nullptr;
  type.def("__reduce_ex__", [](const pybind11::object& self, int) -> pybind11::object {
    throw pybind11::type_error("cannot copy or pickle a " + std::string(Py_TYPE(self.ptr())->tp_name) + " object");
  });
}

// --- arguments.cpp ---

// Query options from Python's arguments: `timeout` in seconds or None. False: a Python error is set.
bool query_options(PyObject* timeout, uint64_t owner_token, QueryOptions* options, const CancelToken* cancel);
// UTF-8 of a str, valid as long as the object; false with an error set when it is none.
bool query_text(PyObject* object, std::string_view* out);

// The same for code inside pybind11 functions, where failures are thrown.
QueryOptions options_or_throw(const pybind11::object& timeout, uint64_t owner_token,
                              const CancelToken* cancel = nullptr);
Value params_or_throw(const pybind11::object& object);
std::string text_or_throw(const pybind11::object& object);

// --- results.cpp ---

// The class of results: lora_python.QueryResult. Steals the reference.
void set_result_class(PyObject* type);
// New reference, or null with an error set.
PyObject* result_to_python(const QueryResult& result);
pybind11::dict plan_to_python(const Plan& plan);
pybind11::dict profile_to_python(const Profile& profile);
pybind11::dict stats_to_python(const graph::GraphStats& stats, const Database::CacheStats& plans);

// Throws the Python exception for a failed status, or one that a callback left behind (KeyboardInterrupt).
void check(const Status& status);
template <typename T>
T take(Result<T>&& result) {
  check(result.ok() ? Status() : result.status());
  return std::move(result).value();
}
// A new reference from the C interface, or its exception.
template <typename T = pybind11::object>
T own(PyObject* object) {
  if (object == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<T>(object);
}

}  // namespace lora::python
