#include "callables.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

namespace {

// --- objects that wait to be given back ---

// A stack without a lock: a forked child never finds it held.
struct Waiting {
  PyObject* object;
  Waiting* next;
};
std::atomic<Waiting*> waiting{nullptr};

int release_pending(void*) {
  release_kept_objects();
  return 0;
}

// --- exceptions on their way ---

struct Cause {
  std::string message;  // of the status that stands for it
  std::shared_ptr<KeptObject> exception;
};
thread_local std::vector<Cause> causes;
constinit thread_local bool has_causes = false;  // spares most calls the look at the list, which has a constructor

std::string text_of(PyObject* object) {
  PyObject* text = object != nullptr ? PyObject_Str(object) : nullptr;
  Py_ssize_t size = 0;
  const char* data = text != nullptr ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  std::string out = data != nullptr ? std::string(data, static_cast<size_t>(size)) : std::string("?");
  Py_XDECREF(text);
  PyErr_Clear();
  return out;
}

// The attribute's text at the end of a chain of attributes; empty when there is none.
std::string attribute_text(PyObject* object, std::initializer_list<const char*> path) {
  PyObject* at = object;
  Py_XINCREF(at);
  for (const char* name : path) {
    PyObject* next = at != nullptr && at != Py_None ? PyObject_GetAttrString(at, name) : nullptr;
    Py_XDECREF(at);
    at = next;
  }
  std::string out = at != nullptr && at != Py_None ? text_of(at) : std::string();
  Py_XDECREF(at);
  PyErr_Clear();
  return out;
}

// "app.py:12 in score": where the exception was raised.
std::string place_of(PyObject* exception) {
  PyObject* trace = PyException_GetTraceback(exception);
  while (trace != nullptr) {
    PyObject* next = PyObject_GetAttrString(trace, "tb_next");
    if (next == nullptr || next == Py_None) {
      Py_XDECREF(next);
      break;
    }
    Py_DECREF(trace);
    trace = next;
  }
  PyErr_Clear();
  if (trace == nullptr) return {};
  std::string out = attribute_text(trace, {"tb_frame", "f_code", "co_filename"}) + ":" +
                    attribute_text(trace, {"tb_lineno"}) + " in " +
                    attribute_text(trace, {"tb_frame", "f_code", "co_name"});
  Py_DECREF(trace);
  return out;
}

// The code of an exception that is a LoraQueryError itself: it stays.
ErrorCode code_of(PyObject* exception) {
  const std::string name = attribute_text(exception, {"code"});
  for (auto i = static_cast<int>(ErrorCode::kParse); i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (code != ErrorCode::kInvalidParams && error_code_name(code) == name) return code;
  }
  return ErrorCode::kSemantic;
}

using Failed = Status (*)(std::string_view name, std::string_view why);

// The exception that is set, as a status; remembers it for take_cause().
Status status_of_exception(Failed failed, const std::string& name) {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (value == nullptr) {
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return failed(name, "an exception that cannot be made");
  }
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  std::string why = std::string(Py_TYPE(value)->tp_name) + ": " + text_of(value);
  const std::string place = place_of(value);
  if (!place.empty()) why += " (" + place + ")";
  Status status = failed(name, why);
  if (PyErr_GivenExceptionMatches(value, PyExc_Exception) == 0) {
    status.mutable_info().code = ErrorCode::kInterrupted;
  } else {
    status.mutable_info().code = code_of(value);
  }
  has_causes = true;
  causes.push_back({status.message(), std::make_shared<KeptObject>(value)});
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return status;
}

// --- calls ---

Status wrong_result(std::string message) {
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidResultType", std::move(message));
}

// A callable with its name and kind of error.
struct Target {
  std::string name;
  Failed failed;
  std::shared_ptr<KeptObject> callable;
};

// Calls with the GIL held. A new reference or a status.
Result<PyObject*> call(const Target& target, std::span<const Value> args) {
  PyObject* callable = target.callable->take();
  if (callable == nullptr) return target.failed(target.name, "it was collected together with its database");
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(args.size()));
  for (size_t i = 0; tuple != nullptr && i < args.size(); ++i) {
    PyObject* arg = to_python(args[i]);
    if (arg == nullptr) {
      Py_CLEAR(tuple);
    } else {
      PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), arg);
    }
  }
  PyObject* result = tuple != nullptr ? PyObject_CallObject(callable, tuple) : nullptr;
  Py_XDECREF(tuple);
  Py_DECREF(callable);
  if (result == nullptr) return status_of_exception(target.failed, target.name);
  return result;
}

// What a callable gave, as a Value. `place` names it in errors.
Status convert(const Target& target, PyObject* object, const std::string& place, Value* out) {
  Status refused;
  if (value_from_python(object, place.c_str(), &refused, out)) return Status();
  if (!refused.ok()) return wrong_result("the result of `" + target.name + "`: " + refused.message());
  return status_of_exception(target.failed, target.name);
}

// Runs `body` with the GIL, unless the interpreter is at its end or an exception (of a signal) waits to be seen.
template <typename T, typename Body>
Result<T> with_gil(Body body) {
  if (interpreter_ends()) return Status(ErrorCode::kClosed, "the interpreter is at its end");
  const py::gil_scoped_acquire acquire;
  if (PyErr_Occurred() != nullptr) return Status(ErrorCode::kInterrupted, "the query was interrupted by a signal");
  return body();
}

Result<Value> run_function(const Target& target, std::span<const Value> args) {
  return with_gil<Value>([&]() -> Result<Value> {
    LORA_ASSIGN(PyObject * result, call(target, args));
    Value value;
    Status status = convert(target, result, "the value", &value);
    Py_DECREF(result);
    if (!status.ok()) return status;
    return value;
  });
}

// One row: a tuple or list by position, a mapping by name.
Status convert_row(const Target& target, const std::vector<std::string>& columns, PyObject* object, List* row) {
  row->clear();
  if (PyDict_Check(object)) {
    if (PyDict_GET_SIZE(object) != static_cast<Py_ssize_t>(columns.size())) {
      return wrong_result("procedure `" + target.name + "` gave a row of " + std::to_string(PyDict_GET_SIZE(object)) +
                          " entries; it has " + std::to_string(columns.size()) + " columns");
    }
    for (const std::string& column : columns) {
      PyObject* key = PyUnicode_FromStringAndSize(column.data(), static_cast<Py_ssize_t>(column.size()));
      PyObject* item = key != nullptr ? PyDict_GetItemWithError(object, key) : nullptr;
      Py_XDECREF(key);
      if (item == nullptr) {
        if (PyErr_Occurred() != nullptr) return status_of_exception(target.failed, target.name);
        return wrong_result("procedure `" + target.name + "` gave a row without its column `" + column + "`");
      }
      Py_INCREF(item);
      Value value;
      Status status = convert(target, item, "column " + column, &value);
      Py_DECREF(item);
      LORA_TRY(status);
      row->push_back(std::move(value));
    }
    return Status();
  }
  if (!PyTuple_Check(object) && !PyList_Check(object)) {
    return wrong_result("procedure `" + target.name + "` must give rows that are tuples, lists or dicts, not `" +
                        Py_TYPE(object)->tp_name + "`");
  }
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(object);
  if (size != static_cast<Py_ssize_t>(columns.size())) {
    return wrong_result("procedure `" + target.name + "` gave a row of " + std::to_string(size) + " values; it has " +
                        std::to_string(columns.size()) + " columns");
  }
  // The size is asked again each time: the conversion of an item may run code that changes the list.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object) && i < size; ++i) {
    PyObject* item = Py_NewRef(PySequence_Fast_GET_ITEM(object, i));
    Value value;
    Status status = convert(target, item, "column " + columns[static_cast<size_t>(i)], &value);
    Py_DECREF(item);
    LORA_TRY(status);
    row->push_back(std::move(value));
  }
  return Status();
}

Result<bool> next_row(const Target& target, const std::vector<std::string>& columns, const KeptObject& rows,
                      List* row) {
  return with_gil<bool>([&]() -> Result<bool> {
    PyObject* item = PyIter_Next(rows.borrow());
    if (item == nullptr) {
      if (PyErr_Occurred() != nullptr) return status_of_exception(target.failed, target.name);
      return false;
    }
    Status status = convert_row(target, columns, item, row);
    Py_DECREF(item);
    if (!status.ok()) return status;
    return true;
  });
}

Result<RowProducer> run_procedure(const Target& target, const std::shared_ptr<const std::vector<std::string>>& columns,
                                  std::span<const Value> args) {
  return with_gil<RowProducer>([&]() -> Result<RowProducer> {
    LORA_ASSIGN(PyObject * result, call(target, args));
    const py::object owner = py::reinterpret_steal<py::object>(result);
    if (columns->empty()) {
      if (result == Py_None) return RowProducer();
      return wrong_result("procedure `" + target.name + "` is VOID and must give None, not `" +
                          Py_TYPE(result)->tp_name + "`");
    }
    PyObject* iterator =
        PyUnicode_Check(result) || PyBytes_Check(result) || PyDict_Check(result) ? nullptr : PyObject_GetIter(result);
    if (iterator == nullptr) {
      if (PyErr_Occurred() != nullptr && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return status_of_exception(target.failed, target.name);
      }
      PyErr_Clear();
      return wrong_result("procedure `" + target.name + "` must give an iterable of rows, not `" +
                          Py_TYPE(result)->tp_name + "`");
    }
    auto rows = std::make_shared<KeptObject>(iterator);
    Py_DECREF(iterator);
    return RowProducer([target, columns, rows = std::move(rows)](CallContext&, List* row) {
      return next_row(target, *columns, *rows, row);
    });
  });
}

}  // namespace

KeptObject::~KeptObject() {
  if (object_ == nullptr || Py_IsInitialized() == 0) return;
  Waiting* top = waiting.load(std::memory_order_relaxed);
  auto* entry = new Waiting{object_, top};
  while (!waiting.compare_exchange_weak(top, entry, std::memory_order_release, std::memory_order_relaxed)) {
    entry->next = top;
  }
  // In case that no call of ours comes by.
  if (top == nullptr) Py_AddPendingCall(release_pending, nullptr);
}

void release_kept_objects() {
  if (waiting.load(std::memory_order_relaxed) == nullptr) return;
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  Waiting* entry = waiting.exchange(nullptr, std::memory_order_acquire);
  while (entry != nullptr) {
    Waiting* next = entry->next;
    Py_DECREF(entry->object);
    delete entry;
    entry = next;
  }
  PyErr_Restore(type, value, trace);
}

ScalarCallable function_of(std::string name, std::shared_ptr<KeptObject> callable) {
  return [target = Target{std::move(name), function_failed, std::move(callable)}](
             CallContext&, std::span<const Value> args) { return run_function(target, args); };
}

ProcedureCallable procedure_of(std::string name, std::vector<std::string> columns,
                               std::shared_ptr<KeptObject> callable) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(columns));
  return [target = Target{std::move(name), procedure_failed, std::move(callable)}, shared = std::move(shared)](
             CallContext&, std::span<const Value> args) { return run_procedure(target, shared, args); };
}

PyObject* take_cause(const Status& status) {
  for (auto it = causes.rbegin(); it != causes.rend(); ++it) {
    if (!status.message().starts_with(it->message)) continue;
    PyObject* exception = it->exception->take();
    causes.erase(std::next(it).base());
    return exception;
  }
  return nullptr;
}

void forget_causes() {
  if (!has_causes) return;
  causes.clear();
  has_causes = false;
}

}  // namespace lora::python
