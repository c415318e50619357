// Registering Python functions and procedures, and what the garbage collector has to know about them.
#include <algorithm>
#include <cctype>

#include "bindings.h"
#include "cypher/procedures/signature.h"

namespace py = pybind11;

namespace lora::python {

namespace {

using cypher::DeclaredSignature;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The old callable, if any, is dropped by the caller, with the GIL.
void remember_callable(std::map<std::string, std::shared_ptr<KeptObject>>* known, const std::string& name,
                       std::shared_ptr<KeptObject> callable) {
  (*known)[lower(name)] = std::move(callable);
  release_kept_objects();
}

void forget_callable(std::map<std::string, std::shared_ptr<KeptObject>>* known, const std::string& name) {
  known->erase(lower(name));
  release_kept_objects();
}

void register_function(DatabaseHandle& self, const py::object& signature, const py::object& function,
                       const std::string& description, bool deterministic) {
  const std::string text = text_or_throw(signature);
  DeclaredSignature declared;
  check(declared.read(text, DeclaredSignature::Kind::kFunction));
  auto callable = std::make_shared<KeptObject>(function.ptr());
  CallableOptions options;
  options.description = description;
  options.deterministic = deterministic;
  check(without_gil(
      [&] { return self.database->register_function(text, function_of(declared.name, callable), options); }));
  remember_callable(&self.functions, declared.name, std::move(callable));
}

void register_procedure(DatabaseHandle& self, const py::object& signature, const py::object& procedure,
                        const std::string& description) {
  const std::string text = text_or_throw(signature);
  DeclaredSignature declared;
  check(declared.read(text, DeclaredSignature::Kind::kProcedure));
  std::vector<std::string> columns;
  for (const cypher::DeclaredField& field : declared.results) columns.push_back(field.name);
  auto callable = std::make_shared<KeptObject>(procedure.ptr());
  CallableOptions options;
  options.description = description;
  check(without_gil([&] {
    return self.database->register_procedure(text, procedure_of(declared.name, std::move(columns), callable), options);
  }));
  remember_callable(&self.procedures, declared.name, std::move(callable));
}

void register_table(DatabaseHandle& self, const py::object& signature, const py::list& columns, const py::object& rows,
                    const std::string& description) {
  const std::string text = text_or_throw(signature);
  Value table;
  Status refused;
  if (!value_from_python(rows.ptr(), "rows", &refused, &table)) {
    check(refused);
    throw py::error_already_set();
  }
  std::vector<std::string> names;
  for (const py::handle name : columns) names.push_back(text_or_throw(py::reinterpret_borrow<py::object>(name)));
  std::vector<List> lists;
  for (const Value& row : table.as_list()) lists.push_back(row.as_list());
  CallableOptions options;
  options.description = description;
  DeclaredSignature declared;
  check(declared.read(text, DeclaredSignature::Kind::kProcedure));
  check(without_gil([&] { return self.database->register_procedure(text, names, std::move(lists), options); }));
  forget_callable(&self.procedures, declared.name);
}

// --- the garbage collector ---

// Streams and transactions may still run callables after the handle is garbage: then nothing is garbage.
bool is_only_owner(const DatabaseHandle& handle) {
  return handle.database != nullptr && handle.database.use_count() == 1;
}

DatabaseHandle* handle_of(PyObject* object) {
  const auto* instance = reinterpret_cast<py::detail::instance*>(object);
  if (!instance->simple_layout || !instance->simple_holder_constructed) return nullptr;
  return static_cast<DatabaseHandle*>(instance->simple_value_holder[0]);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
#if PY_VERSION_HEX >= 0x03090000
  Py_VISIT(Py_TYPE(object));
#endif
  DatabaseHandle* self = handle_of(object);
  if (self == nullptr || !is_only_owner(*self)) return 0;
  for (const auto* known : {&self->functions, &self->procedures}) {
    for (const auto& [name, callable] : *known) Py_VISIT(callable->borrow());
  }
  return 0;
}

// A callable that is called after this says that it was collected.
int clear(PyObject* object) {
  DatabaseHandle* self = handle_of(object);
  if (self == nullptr || !is_only_owner(*self)) return 0;
  std::vector<std::shared_ptr<KeptObject>> all;  // giving up an object may run code that changes the maps
  for (const auto* known : {&self->functions, &self->procedures}) {
    for (const auto& [name, callable] : *known) all.push_back(callable);
  }
  for (const auto& callable : all) callable->clear();
  return 0;
}

}  // namespace

void set_up_collection(PyHeapTypeObject* heap_type) {
  PyTypeObject* type = &heap_type->ht_type;
  type->tp_flags |= Py_TPFLAGS_HAVE_GC;
  type->tp_traverse = traverse;
  type->tp_clear = clear;
}

void bind_callables(py::class_<DatabaseHandle>& handle) {
  handle
      .def("register_function", &register_function, py::arg("signature"), py::arg("function"), py::arg("description"),
           py::arg("deterministic"))
      .def("register_procedure", &register_procedure, py::arg("signature"), py::arg("procedure"),
           py::arg("description"))
      .def("register_table", &register_table, py::arg("signature"), py::arg("columns"), py::arg("rows"),
           py::arg("description"))
      .def("unregister_function",
           [](DatabaseHandle& self, const py::object& text) {
             const std::string name = text_or_throw(text);
             check(without_gil([&] { return self.database->unregister_function(name); }));
             forget_callable(&self.functions, name);
           })
      .def("unregister_procedure", [](DatabaseHandle& self, const py::object& text) {
        const std::string name = text_or_throw(text);
        check(without_gil([&] { return self.database->unregister_procedure(name); }));
        forget_callable(&self.procedures, name);
      });
}

}  // namespace lora::python
