#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

void bind_transaction(py::module_& module) {
  py::class_<TransactionHandle>(module, "Transaction")
      .def(
          "execute",
          [](TransactionHandle& self, py::object query, py::object params, py::object timeout, uint64_t owner_token,
             std::shared_ptr<CancelToken> cancel) {
            std::string_view text;
            Value values;
            QueryOptions options;
            if (!query_text(query.ptr(), &text) || !params_from_python(params.ptr(), &values) ||
                !query_options(timeout.ptr(), owner_token, &options, cancel.get())) {
              throw py::error_already_set();
            }
            Result<QueryResult> result = [&] {
              py::gil_scoped_release release;
              return self.transaction->execute(text, values, options);
            }();
            PyObject* object = result_to_python(take(std::move(result)));
            if (object == nullptr) throw py::error_already_set();
            return py::reinterpret_steal<py::object>(object);
          },
          py::arg("query"), py::arg("params"), py::arg("timeout"), py::arg("owner_token"),
          py::arg("cancel") = nullptr)
      .def("commit",
           [](TransactionHandle& self) {
             Status status;
             {
               py::gil_scoped_release release;
               status = self.transaction->commit();
             }
             check(status);
           })
      .def("rollback",
           [](TransactionHandle& self) {
             Status status;
             {
               py::gil_scoped_release release;
               status = self.transaction->rollback();
             }
             check(status);
           })
      .def("open", [](TransactionHandle& self) { return self.transaction->open(); });
}

}  // namespace lora::python
