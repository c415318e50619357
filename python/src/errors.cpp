// Status to Python exception: the only place.
#include "callables.h"
#include "convert.h"

namespace lora::python {

namespace {
PyObject* lora_error = nullptr;
PyObject* query_error_class = nullptr;
PyObject* params_error_class = nullptr;

void set_text(PyObject* object, const char* name, const std::string& text) {
  PyObject* value = nullptr;
  if (text.empty()) {
    value = Py_None;
    Py_INCREF(value);
  } else {
    value = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  }
  if (value != nullptr) {
    PyObject_SetAttrString(object, name, value);
    Py_DECREF(value);
  }
}

void set_number(PyObject* object, const char* name, int64_t number, bool known) {
  PyObject* value = known ? PyLong_FromLongLong(number) : Py_NewRef(Py_None);
  if (value != nullptr) {
    PyObject_SetAttrString(object, name, value);
    Py_DECREF(value);
  }
}
}  // namespace

bool set_exception_classes(PyObject* error, PyObject* query_error, PyObject* params_error) {
  if (!PyExceptionClass_Check(error) || !PyExceptionClass_Check(query_error) || !PyExceptionClass_Check(params_error)) {
    PyErr_SetString(PyExc_TypeError, "exception classes are needed");
    return false;
  }
  // Set once, at import; kept for the life of the process.
  lora_error = Py_NewRef(error);
  query_error_class = Py_NewRef(query_error);
  params_error_class = Py_NewRef(params_error);
  return true;
}

PyObject* raise_status(const Status& status) {
  if (PyErr_Occurred() != nullptr) return nullptr;
  const ErrorInfo& info = status.info();
  PyObject* cause = take_cause(status);
  if (cause != nullptr && PyErr_GivenExceptionMatches(cause, PyExc_Exception) == 0) {
    // KeyboardInterrupt, SystemExit: not for us.
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(cause)), cause);
    Py_DECREF(cause);
    return nullptr;
  }
  PyObject* type = info.code == ErrorCode::kInvalidParams ? params_error_class : query_error_class;
  const std::string text = status.to_string();
  PyObject* message = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  PyObject* exception = message != nullptr ? PyObject_CallFunctionObjArgs(type, message, nullptr) : nullptr;
  Py_XDECREF(message);
  if (exception == nullptr) {
    Py_XDECREF(cause);
    return nullptr;
  }
  if (cause != nullptr) PyException_SetCause(exception, cause);  // takes the reference
  set_text(exception, "code", std::string(error_code_name(info.code)));
  set_text(exception, "type", info.type);
  set_text(exception, "phase", info.phase);
  set_text(exception, "detail", info.detail);
  set_number(exception, "line", info.line, info.line > 0);
  set_number(exception, "column", info.column, info.column > 0);
  set_number(exception, "offset", info.offset, info.offset >= 0);
  if (PyErr_Occurred() != nullptr) PyErr_Clear();
  PyErr_SetObject(type, exception);
  Py_DECREF(exception);
  return nullptr;
}

PyObject* raise_invalid_params(const std::string& message) {
  if (PyErr_Occurred() != nullptr) return nullptr;
  return raise_status(Status(ErrorCode::kInvalidParams, message));
}

}  // namespace lora::python
