// Saving to and loading from files, bytes, writers and readers.
#include <algorithm>
#include <cstring>

#include "bindings.h"

namespace py = pybind11;

namespace lora::python {

namespace {

// A Python exception raised inside a callback, carried past the engine.
class CallbackError {
 public:
  CallbackError() = default;
  CallbackError(const CallbackError&) = delete;
  CallbackError& operator=(const CallbackError&) = delete;
  ~CallbackError() {
    Py_XDECREF(type_);
    Py_XDECREF(value_);
    Py_XDECREF(trace_);
  }
  void fetch() { PyErr_Fetch(&type_, &value_, &trace_); }
  // Throws what was fetched.
  void rethrow() {
    if (type_ == nullptr) return;
    PyErr_Restore(type_, value_, trace_);
    type_ = value_ = trace_ = nullptr;
    throw py::error_already_set();
  }

 private:
  PyObject *type_ = nullptr, *value_ = nullptr, *trace_ = nullptr;
};

graph::SnapshotCrypto crypto_from_python(const py::object& object) {
  graph::SnapshotCrypto crypto;
  if (object.is_none()) return crypto;
  const auto parts = object.cast<py::tuple>();
  const auto kind = parts[0].cast<std::string>();
  crypto.kind = kind == "password" ? graph::SnapshotCrypto::Kind::kPassword : graph::SnapshotCrypto::Kind::kKey;
  crypto.key_id = parts[1].cast<std::string>();
  crypto.password = parts[2].cast<std::string>();
  crypto.key = parts[3].cast<std::string>();
  crypto.memory_cost_kib = parts[4].cast<uint32_t>();
  crypto.time_cost = parts[5].cast<uint32_t>();
  crypto.parallelism = parts[6].cast<uint32_t>();
  return crypto;
}

graph::SnapshotSaveOptions save_options(const std::string& codec, int level, const py::object& crypto) {
  graph::SnapshotSaveOptions options;
  options.codec = codec == "none"   ? graph::SnapshotSaveOptions::Codec::kNone
                  : codec == "gzip" ? graph::SnapshotSaveOptions::Codec::kGzip
                                    : graph::SnapshotSaveOptions::Codec::kZstd;
  options.level = level;
  options.crypto = crypto_from_python(crypto);
  return options;
}

py::dict meta_to_python(const graph::SnapshotFileMeta& meta) {
  py::dict d;
  d["formatVersion"] = meta.format_version;
  d["nodeCount"] = meta.node_count;
  d["relationshipCount"] = meta.relationship_count;
  d["walLsn"] = meta.wal_lsn ? py::object(py::int_(*meta.wal_lsn)) : py::object(py::none());
  return d;
}

// Reads from a Python callable read(size) -> bytes-like.
graph::ByteSource reader_source(const py::object& read, CallbackError* error) {
  return [&read, error](char* buffer, size_t size, size_t* got) -> Status {
    const py::gil_scoped_acquire acquire;
    *got = 0;
    PyObject* chunk = PyObject_CallFunction(read.ptr(), "n", static_cast<Py_ssize_t>(size));
    Py_buffer view;
    if (chunk == nullptr) {
      error->fetch();
      return Status::io("reading the snapshot failed");
    }
    if (PyObject_GetBuffer(chunk, &view, PyBUF_CONTIG_RO) != 0) {
      PyErr_Clear();
      const std::string type = Py_TYPE(chunk)->tp_name;
      Py_DECREF(chunk);
      return {ErrorCode::kInvalidParams, "the source's read() must give bytes, not `" + type + "`"};
    }
    const auto length = static_cast<size_t>(view.len);
    const bool fits = length <= size;
    if (fits) {
      std::memcpy(buffer, view.buf, length);
      *got = length;
    }
    PyBuffer_Release(&view);
    Py_DECREF(chunk);
    return fits ? Status() : Status::io("the reader returned more bytes than asked for");
  };
}

// The bytes of a contiguous buffer, kept in place.
class HeldBuffer {
 public:
  explicit HeldBuffer(const py::object& object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_CONTIG_RO) != 0) throw py::error_already_set();
  }
  HeldBuffer(const HeldBuffer&) = delete;
  HeldBuffer& operator=(const HeldBuffer&) = delete;
  ~HeldBuffer() { PyBuffer_Release(&view_); }
  ByteView bytes() const { return {static_cast<const char*>(view_.buf), static_cast<size_t>(view_.len)}; }

 private:
  Py_buffer view_{};
};

}  // namespace

void bind_snapshots(py::class_<DatabaseHandle>& handle) {
  handle
      .def("save_snapshot_file",
           [](DatabaseHandle& self, const std::string& path, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             return meta_to_python(take(without_gil([&] { return self.database->save_snapshot_file(path, options); })));
           })
      .def("save_snapshot_bytes",
           [](DatabaseHandle& self, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             std::string bytes;
             const auto sink = [&](ByteView piece) {
               bytes.append(piece);
               return Status();
             };
             (void)take(without_gil([&] { return self.database->save_snapshot(options, sink); }));
             return py::bytes(bytes);
           })
      .def("save_snapshot_writer",
           [](DatabaseHandle& self, py::object write, const std::string& codec, int level, py::object crypto) {
             const auto options = save_options(codec, level, crypto);
             CallbackError error;
             const auto sink = [&](ByteView piece) -> Status {
               const py::gil_scoped_acquire acquire;
               PyObject* bytes = PyBytes_FromStringAndSize(piece.data(), static_cast<Py_ssize_t>(piece.size()));
               PyObject* done = bytes != nullptr ? PyObject_CallFunctionObjArgs(write.ptr(), bytes, nullptr) : nullptr;
               Py_XDECREF(bytes);
               if (done == nullptr) {
                 error.fetch();
                 return Status::io("writing the snapshot failed");
               }
               Py_DECREF(done);
               return Status();
             };
             auto result = without_gil([&] { return self.database->save_snapshot(options, sink); });
             if (!result.ok()) error.rethrow();
             return meta_to_python(take(std::move(result)));
           })
      .def("load_snapshot_file",
           [](DatabaseHandle& self, const std::string& path, py::object crypto, uint64_t owner) {
             const auto credentials = crypto_from_python(crypto);
             const QueryOptions options = options_or_throw(py::none(), owner);
             return meta_to_python(
                 take(without_gil([&] { return self.database->load_snapshot_file(path, credentials, options); })));
           })
      .def("load_snapshot_bytes",
           [](DatabaseHandle& self, py::object bytes, py::object crypto, uint64_t owner) {
             const auto credentials = crypto_from_python(crypto);
             const QueryOptions options = options_or_throw(py::none(), owner);
             const HeldBuffer held(bytes);
             const ByteView all = held.bytes();
             size_t at = 0;
             const auto source = [&](char* buffer, size_t size, size_t* got) {
               *got = std::min(size, all.size() - at);
               std::memcpy(buffer, all.data() + at, *got);
               at += *got;
               return Status();
             };
             auto result = without_gil([&] { return self.database->load_snapshot(credentials, source, options); });
             return meta_to_python(take(std::move(result)));
           })
      .def("load_snapshot_reader", [](DatabaseHandle& self, py::object read, py::object crypto, uint64_t owner) {
        const auto credentials = crypto_from_python(crypto);
        const QueryOptions options = options_or_throw(py::none(), owner);
        CallbackError error;
        const auto source = reader_source(read, &error);
        auto result = without_gil([&] { return self.database->load_snapshot(credentials, source, options); });
        if (!result.ok()) error.rethrow();
        return meta_to_python(take(std::move(result)));
      });
}

}  // namespace lora::python
