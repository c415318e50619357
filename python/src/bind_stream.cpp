#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

void bind_stream(py::module_& module) {
  py::class_<StreamHandle> handle(module, "Stream");
  forbid_copies(handle);
  handle.def("columns", [](StreamHandle& self) { return own<py::list>(names_to_python(self.stream->columns())); })
      .def(
          "next_batch",
          [](StreamHandle& self) {
            std::vector<Value> values;
            size_t rows = 0;
            check(without_gil([&] { return self.stream->next(&values, &rows); }));
            const auto columns = own<py::list>(names_to_python(self.stream->columns()));
            return own<py::list>(rows_to_python(columns.ptr(), values.data(), rows));
          },
          "The next rows as a list of dicts; empty at the end.")
      .def("close", [](StreamHandle& self) { without_gil([&] { self.stream->close(); }); });
}

}  // namespace lora::python
