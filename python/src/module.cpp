// lora_python._native: the engine for the pure-Python classes of the package. Private.
#include "bindings.h"

PYBIND11_MODULE(_native, module) {
  if (!lora::python::initialise_conversions()) throw pybind11::error_already_set();
  lora::python::bind_database(module);
  lora::python::bind_stream(module);
  lora::python::bind_transaction(module);
}
