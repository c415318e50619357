// What the bind_*.cpp files share.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "convert.h"
#include "cypher/database.h"

namespace lora::python {

// Stops one running call from another thread: await cancelled, for instance.
struct CancelToken {
  std::atomic<bool> requested{false};
};

// The engine behind lora_python.Database. Streams and transactions hold it too, so the order in which Python frees them
// does not matter.
struct DatabaseHandle {
  std::shared_ptr<Database> database;
};
struct StreamHandle {
  std::shared_ptr<Database> database;
  std::shared_ptr<CancelToken> cancel;  // outlives the stream, which polls it
  std::unique_ptr<QueryStream> stream;
};
struct TransactionHandle {
  std::shared_ptr<Database> database;
  std::unique_ptr<Transaction> transaction;
};

void bind_database(pybind11::module_& module);
void bind_stream(pybind11::module_& module);
void bind_transaction(pybind11::module_& module);

// Throws the Python exception for a failed status; for code inside pybind11 functions.
void check(const Status& status);
template <typename T>
T take(Result<T>&& result) {
  if (!result.ok()) check(std::move(result).status());
  return std::move(result).value();
}

// Query options from Python's arguments: `timeout` in seconds or None. On the main thread signals are polled.
// False: a Python error is set.
bool query_options(PyObject* timeout, uint64_t owner_token, QueryOptions* options, const CancelToken* cancel = nullptr);

// UTF-8 of a str; false with InvalidParamsError set when it is none.
bool query_text(PyObject* object, std::string_view* out);

// A lora_python.QueryResult. New reference, or null with an error set.
PyObject* result_to_python(const QueryResult& result);

pybind11::dict plan_to_python(const Plan& plan);

}  // namespace lora::python
