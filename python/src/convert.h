// Conversions between Python objects and Values, and Status to exceptions: the only places that do it.
//
// All functions need the GIL. Errors of parameters name the path of the offending value: params["rows"][3]["id"].
//
// | Python in                                   | Value                | Python out                              |
// |---------------------------------------------|----------------------|-----------------------------------------|
// | None, bool, int (64 bits), float, str       | the same             | None, bool, int, float, str             |
// | list, tuple                                 | LIST                 | list                                    |
// | dict, any Mapping with str keys             | MAP                  | dict                                    |
// | {"kind": "date"..."duration", "iso": text}  | temporal             | the same dict                           |
// | {"kind": "point", "x", "y", ...}            | POINT                | {kind, srid, crs, x, y, ...}            |
// | {"kind": "vector", ...}                     | VECTOR               | {kind, dimension, coordinateType, values} |
// | {"kind": "binary", "segments"}; bytes-like  | binary               | {kind, length, segments}                |
// | datetime.date/time/datetime/timedelta       | temporal             |                                         |
// | Decimal, UUID, Enum                         | float, string, its value |                                     |
// | numpy scalars and arrays, array.array       | scalar, list         |                                         |
// |                                             | node, relationship, path | {"kind": "node", ...} and kin       |
#pragma once

#include <Python.h>

#include <string>
#include <vector>

#include "cypher/database.h"
#include "graph/value.h"
#include "kv/status.h"

// Calls newer than Python 3.8.
#if PY_VERSION_HEX < 0x030900A4
inline PyObject* PyObject_CallNoArgs(PyObject* f) {
  return PyObject_CallObject(f, nullptr);
}
#endif
#if PY_VERSION_HEX < 0x030A00A3
inline PyObject* Py_NewRef(PyObject* o) {
  Py_INCREF(o);
  return o;
}
// The collector cannot be switched: "it was off", so that nobody switches it on again.
inline int PyGC_Disable() {
  return 0;
}
inline int PyGC_Enable() {
  return 0;
}
#endif

namespace lora::python {

// A parameter set: None or a mapping with string keys. False: a Python exception is set: InvalidParamsError, or what
// the code of a user's Mapping raised.
bool params_from_python(PyObject* object, Value* out);

// One value that is no parameter; `root` names it in errors. False: *refused says why it has no Value, or, when that is
// OK, the exception of the user's code is set.
bool value_from_python(PyObject* object, const char* root, Status* refused, Value* out);

// New reference, or null with a Python error set.
PyObject* to_python(const Value& value);

// Rows as a list of dicts. New reference or null. `columns` is a list of str, `values` is row-major. Lets other threads
// run and signals in when it takes long.
PyObject* rows_to_python(PyObject* columns, const Value* values, size_t row_count);
// A list of str.
PyObject* names_to_python(const std::vector<std::string>& names);

// --- errors.cpp ---

// Remembers the exception classes of lora_python.errors. False: a Python error is set.
bool set_exception_classes(PyObject* error, PyObject* query_error, PyObject* params_error);
// Sets the exception for a failed Status (a Python exception that is already set wins). Always returns null.
PyObject* raise_status(const Status& status);
PyObject* raise_invalid_params(const std::string& message);

}  // namespace lora::python
