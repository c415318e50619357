#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

void bind_transaction(py::module_& module) {
  py::class_<TransactionHandle> handle(module, "Transaction");
  forbid_copies(handle);
  handle
      .def(
          "execute",
          [](TransactionHandle& self, py::object query, py::object params, py::object timeout, uint64_t owner_token,
             std::shared_ptr<CancelToken> cancel) {
            const std::string text = text_or_throw(query);
            const Value values = params_or_throw(params);
            const QueryOptions options = options_or_throw(timeout, owner_token, cancel.get());
            return own(
                result_to_python(take(without_gil([&] { return self.transaction->execute(text, values, options); }))));
          },
          py::arg("query"), py::arg("params"), py::arg("timeout"), py::arg("owner_token"), py::arg("cancel") = nullptr)
      .def("commit", [](TransactionHandle& self) { check(without_gil([&] { return self.transaction->commit(); })); })
      .def("rollback",
           [](TransactionHandle& self) { check(without_gil([&] { return self.transaction->rollback(); })); })
      .def("open", [](TransactionHandle& self) { return self.transaction->open(); });
}

}  // namespace lora::python
