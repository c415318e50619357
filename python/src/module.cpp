// lora_python._native: the engine for the pure-Python classes of the package. Private.
#include "bindings.h"

PYBIND11_MODULE(_native, module) {
  lora::python::bind_database(module);
  lora::python::bind_stream(module);
  lora::python::bind_transaction(module);
}
