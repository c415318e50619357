// Python callables that the engine keeps and calls, and what that takes: objects that may be dropped without the GIL,
// and exceptions that travel through the engine as a Status.
//
// The GIL is taken round each call of a callable (or of its iterator) and round nothing else.
#pragma once

#include <Python.h>

#include <memory>
#include <string>
#include <vector>

#include "cypher/database.h"

namespace lora::python {

// A Python object that C++ keeps. Made with the GIL; may be dropped without it and under any lock: then the reference
// is given back when a thread that has the GIL comes by.
class KeptObject {
 public:
  explicit KeptObject(PyObject* object) : object_(object) { Py_INCREF(object); }
  ~KeptObject();
  KeptObject(const KeptObject&) = delete;
  KeptObject& operator=(const KeptObject&) = delete;

  // With the GIL. A new reference; null when the garbage collector has taken the object away.
  PyObject* take() const {
    Py_XINCREF(object_);
    return object_;
  }
  PyObject* borrow() const { return object_; }
  void clear() { Py_CLEAR(object_); }

 private:
  PyObject* object_;
};

// Gives back what KeptObjects have left. With the GIL; may run Python code; keeps an exception that is set.
void release_kept_objects();

ScalarCallable function_of(std::string name, std::shared_ptr<KeptObject> callable);
// `columns`: of the procedure; none: VOID.
ProcedureCallable procedure_of(std::string name, std::vector<std::string> columns,
                               std::shared_ptr<KeptObject> callable);

// The exception behind a failed status of this thread, whose place in the engine it takes: a new reference or null.
// Each is given out once.
PyObject* take_cause(const Status& status);
// Forgets the exceptions that nobody has asked for. When a call into the engine begins that is in no other.
void forget_causes();

}  // namespace lora::python
