// Arguments from Python: query text, options, parameters.
#include <chrono>
#include <cmath>

#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

namespace {

Status check_signals() {
  const py::gil_scoped_acquire acquire;
  // The exception (KeyboardInterrupt) stays set in this thread, where raise_status() lets it win.
  if (PyErr_Occurred() != nullptr || PyErr_CheckSignals() != 0) {
    return {ErrorCode::kInterrupted, "the query was interrupted by a signal"};
  }
  return Status();
}

}  // namespace

bool query_options(PyObject* timeout, uint64_t owner_token, QueryOptions* options, const CancelToken* cancel) {
  if (timeout != Py_None) {
    const double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      raise_invalid_params("`timeout` must be a number of seconds or None, not `" +
                           std::string(Py_TYPE(timeout)->tp_name) + "`");
      return false;
    }
    if (!(seconds >= 0)) {
      raise_invalid_params("`timeout` must be a number of seconds, 0 or more");
      return false;
    }
    options->timeout = std::chrono::milliseconds(static_cast<int64_t>(std::ceil(std::fmin(seconds, 1e9) * 1000.0)));
  }
  options->owner_token = owner_token;
  options->params_are_utf8 = true;  // as all text of Python that can be encoded
  if (cancel != nullptr) options->cancel = &cancel->requested;
  if (in_main_thread()) options->poll = check_signals;
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
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return false;
    PyErr_Clear();
    raise_status(Status::compile_time(ErrorCode::kParse, "SyntaxError", "InvalidUnicodeCharacter",
                                      "the query holds a lone surrogate: not valid Unicode text"));
    return false;
  }
  *out = {data, static_cast<size_t>(size)};
  return true;
}

QueryOptions options_or_throw(const py::object& timeout, uint64_t owner_token, const CancelToken* cancel) {
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

void check(const Status& status) {
  if (!status.ok()) raise_status(status);
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
}

}  // namespace lora::python
