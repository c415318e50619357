#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

void bind_stream(py::module_& module) {
  py::class_<StreamHandle>(module, "Stream")
      .def("columns", [](StreamHandle& self) { return py::reinterpret_steal<py::list>(names_to_python(self.stream->columns())); })
      .def("next_batch",
           [](StreamHandle& self) {
             std::vector<Value> values;
             size_t rows = 0;
             Status status;
             {
               py::gil_scoped_release release;
               status = self.stream->next(&values, &rows);
             }
             check(status);
             PyObject* list = rows_to_python(self.stream->columns(), values.data(), rows);
             if (list == nullptr) throw py::error_already_set();
             return py::reinterpret_steal<py::list>(list);
           },
           "The next rows as a list of dicts; empty at the end.")
      .def("close", [](StreamHandle& self) {
        py::gil_scoped_release release;
        self.stream->close();
      });
}

}  // namespace lora::python
