// Values to plain Python data.
#include <algorithm>
#include <chrono>

#include "convert.h"
#include "cypher/syntax/stack_guard.h"
#include "graph/packed_list.h"
#include "graph/text.h"
#include "kv/check.h"

namespace lora::python {

namespace {

// Interned once; borrowed everywhere.
struct Names {
  PyObject *kind, *id, *labels, *properties, *start_id, *end_id, *type, *nodes, *rels, *iso, *srid, *crs, *x, *y, *z,
      *longitude, *latitude, *height, *dimension, *coordinate_type, *values, *length, *segments;
  PyObject *node, *relationship, *path, *date, *time, *local_time, *date_time, *local_date_time, *duration, *point,
      *vector, *binary;
};

const Names& names() {
  static const Names instance = [] {
    const auto intern = [](const char* text) { return PyUnicode_InternFromString(text); };
    Names n;
    n.kind = intern("kind");
    n.id = intern("id");
    n.labels = intern("labels");
    n.properties = intern("properties");
    n.start_id = intern("startId");
    n.end_id = intern("endId");
    n.type = intern("type");
    n.nodes = intern("nodes");
    n.rels = intern("rels");
    n.iso = intern("iso");
    n.srid = intern("srid");
    n.crs = intern("crs");
    n.x = intern("x");
    n.y = intern("y");
    n.z = intern("z");
    n.longitude = intern("longitude");
    n.latitude = intern("latitude");
    n.height = intern("height");
    n.dimension = intern("dimension");
    n.coordinate_type = intern("coordinateType");
    n.values = intern("values");
    n.length = intern("length");
    n.segments = intern("segments");
    n.node = intern("node");
    n.relationship = intern("relationship");
    n.path = intern("path");
    n.date = intern("date");
    n.time = intern("time");
    n.local_time = intern("localtime");
    n.date_time = intern("datetime");
    n.local_date_time = intern("localdatetime");
    n.duration = intern("duration");
    n.point = intern("point");
    n.vector = intern("vector");
    n.binary = intern("binary");
    return n;
  }();
  return instance;
}

PyObject* text_to_python(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

// Puts a new reference into a dict; releases it. False on failure of either.
bool put(PyObject* dict, PyObject* key, PyObject* value) {
  if (value == nullptr) return false;
  const int failed = PyDict_SetItem(dict, key, value);
  Py_DECREF(value);
  return failed == 0;
}

bool put_kind(PyObject* dict, PyObject* kind) {
  return PyDict_SetItem(dict, names().kind, kind) == 0;
}

PyObject* finish(PyObject* dict, bool good) {
  if (!good) {
    Py_DECREF(dict);
    return nullptr;
  }
  return dict;
}

PyObject* entries_to_python(std::span<const MapEntry> entries) {
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  for (const auto& [key, value] : entries) {
    PyObject* name = text_to_python(key.as_string());
    const bool good = name != nullptr && put(dict, name, to_python(value));
    Py_XDECREF(name);
    if (!good) return finish(dict, false);
  }
  return dict;
}

// A list of `count` items made one by one.
template <typename Make>
PyObject* list_of(size_t count, Make make) {
  PyObject* list = PyList_New(static_cast<Py_ssize_t>(count));
  if (list == nullptr) return nullptr;
  for (size_t i = 0; i < count; ++i) {
    PyObject* item = make(i);
    if (item == nullptr) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), item);
  }
  return list;
}

PyObject* too_deep() {
  return raise_status(Status::limit("depth", "a value of the result is nested too deep for the stack of this thread"));
}

PyObject* id_to_python(uint64_t id) {
  return PyLong_FromUnsignedLongLong(id);
}

PyObject* node_to_python(const Node& node) {
  const Names& n = names();
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(dict, put_kind(dict, n.node) && put(dict, n.id, id_to_python(node.id.value)) &&
                          put(dict, n.labels,
                              list_of(node.labels.size(), [&](size_t i) { return text_to_python(node.labels[i]); })) &&
                          put(dict, n.properties, entries_to_python(node.properties)));
}

PyObject* relationship_to_python(const Relationship& r) {
  const Names& n = names();
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(dict, put_kind(dict, n.relationship) && put(dict, n.id, id_to_python(r.id.value)) &&
                          put(dict, n.start_id, id_to_python(r.start.value)) &&
                          put(dict, n.end_id, id_to_python(r.end.value)) && put(dict, n.type, text_to_python(r.type)) &&
                          put(dict, n.properties, entries_to_python(r.properties)));
}

PyObject* path_to_python(const Path& path) {
  const Names& n = names();
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(
      dict,
      put_kind(dict, n.path) &&
          put(dict, n.nodes, list_of(path.nodes.size(), [&](size_t i) { return node_to_python(path.nodes[i]); })) &&
          put(dict, n.rels, list_of(path.rels.size(), [&](size_t i) { return relationship_to_python(path.rels[i]); })));
}

PyObject* temporal_to_python(PyObject* kind, const Value& value) {
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(dict, put_kind(dict, kind) && put(dict, names().iso, text_to_python(to_text(value))));
}

PyObject* point_to_python(const Point& p) {
  const Names& n = names();
  const char* crs = p.crs == Crs::kCartesian     ? "cartesian"
                    : p.crs == Crs::kCartesian3D ? "cartesian-3D"
                    : p.crs == Crs::kWgs84       ? "WGS-84-2D"
                                                 : "WGS-84-3D";
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  bool good = put_kind(dict, n.point) && put(dict, n.srid, PyLong_FromLong(static_cast<long>(p.crs))) &&
              put(dict, n.crs, PyUnicode_FromString(crs)) && put(dict, n.x, PyFloat_FromDouble(p.x)) &&
              put(dict, n.y, PyFloat_FromDouble(p.y));
  if (good && p.is_3d()) good = put(dict, n.z, PyFloat_FromDouble(p.z));
  if (good && p.geographic()) {
    good = put(dict, n.longitude, PyFloat_FromDouble(p.x)) && put(dict, n.latitude, PyFloat_FromDouble(p.y));
    if (good && p.is_3d()) good = put(dict, n.height, PyFloat_FromDouble(p.z));
  }
  return finish(dict, good);
}

PyObject* vector_to_python(const VectorValue& v) {
  static constexpr const char* kTypes[] = {"FLOAT64", "FLOAT32", "INTEGER", "INTEGER32", "INTEGER16", "INTEGER8"};
  const Names& n = names();
  const bool floats = v.type <= VectorType::kFloat32;
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(dict, put_kind(dict, n.vector) && put(dict, n.dimension, PyLong_FromSize_t(v.dimension())) &&
                          put(dict, n.coordinate_type, PyUnicode_FromString(kTypes[static_cast<size_t>(v.type)])) &&
                          put(dict, n.values, list_of(v.dimension(), [&](size_t i) {
                                return floats ? PyFloat_FromDouble(v.floats[i]) : PyLong_FromLongLong(v.integers[i]);
                              })));
}

PyObject* binary_to_python(const Binary& b) {
  const Names& n = names();
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  return finish(dict, put_kind(dict, n.binary) && put(dict, n.length, PyLong_FromSize_t(b.length())) &&
                          put(dict, n.segments, list_of(b.segments.size(), [&](size_t i) {
                                return PyBytes_FromStringAndSize(b.segments[i].data(),
                                                                 static_cast<Py_ssize_t>(b.segments[i].size()));
                              })));
}

}  // namespace

PyObject* to_python(const Value& value) {
  switch (value.type()) {
    case ValueType::kNull: return Py_NewRef(Py_None);
    case ValueType::kBoolean: return PyBool_FromLong(value.as_boolean());
    case ValueType::kInteger: return PyLong_FromLongLong(value.as_integer());
    case ValueType::kFloat: return PyFloat_FromDouble(value.as_float());
    case ValueType::kString: return text_to_python(value.as_string());
    case ValueType::kList: {
      if (cypher::stack_low()) return too_deep();
      const PackedList packed(value.packed());
      if (packed.items() == PackedList::Items::kStrings) {
        return list_of(packed.size(), [&](size_t i) { return text_to_python(packed.string(i)); });
      }
      const ListItems list(value);
      Value box;
      return list_of(list.size(), [&](size_t i) { return to_python(list.get(i, &box)); });
    }
    case ValueType::kMap:
      if (cypher::stack_low()) return too_deep();
      return entries_to_python(value.as_map());
    case ValueType::kNode: LORA_CHECK(value.is_hydrated()); return node_to_python(value.as_node());
    case ValueType::kRelationship:
      LORA_CHECK(value.is_hydrated());
      return relationship_to_python(value.as_relationship());
    case ValueType::kPath: LORA_CHECK(value.is_hydrated()); return path_to_python(value.as_path());
    case ValueType::kDate: return temporal_to_python(names().date, value);
    case ValueType::kLocalTime: return temporal_to_python(names().local_time, value);
    case ValueType::kTime: return temporal_to_python(names().time, value);
    case ValueType::kLocalDateTime: return temporal_to_python(names().local_date_time, value);
    case ValueType::kDateTime: return temporal_to_python(names().date_time, value);
    case ValueType::kDuration: return temporal_to_python(names().duration, value);
    case ValueType::kPoint: return point_to_python(value.as_point());
    case ValueType::kVector: return vector_to_python(value.as_vector());
    case ValueType::kBinary: return binary_to_python(value.as_binary());
  }
  return Py_NewRef(Py_None);
}

namespace {

// Column names come again and again: the last ones are kept, with their hashes, by a cheap hash of their bytes.
PyObject* name_to_python(std::string_view name) {
  constexpr size_t kKept = 256;
  static PyObject* kept[kKept];
  if (name.empty() || name.size() > 64) return text_to_python(name);
  const auto at = [&](size_t i) { return static_cast<unsigned char>(name[i]); };
  PyObject*& place =
      kept[(at(0) * 31 + at(name.size() / 2) * 7 + at(name.size() - 1) * 131 + name.size() * 17) % kKept];
  if (place != nullptr) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(place, &size);
    if (text == nullptr) PyErr_Clear();
    if (text != nullptr && name == std::string_view(text, static_cast<size_t>(size))) return Py_NewRef(place);
  }
  PyObject* made = text_to_python(name);
  if (made == nullptr) return nullptr;
#if PY_VERSION_HEX < 0x030C0000
  PyUnicode_InternInPlace(&made);  // from 3.12 on that would keep it for ever
#endif
  Py_XSETREF(place, Py_NewRef(made));
  return made;
}

}  // namespace

PyObject* names_to_python(const std::vector<std::string>& columns) {
  return list_of(columns.size(), [&](size_t i) { return name_to_python(columns[i]); });
}

namespace {

// A dict whose copies share one key table: the attribute dict of an instance of a fresh class. Only pays for many rows
// of few columns. Null without an error: not worth it.
PyObject* key_sharing_template(PyObject* const* keys, size_t count) {
  if (count == 0 || count > 29) return nullptr;
  PyObject* type = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){}", "Row");
  if (type == nullptr) return nullptr;
  PyObject* instance = nullptr;
  for (int round = 0; round < 30; ++round) {  // the shared table shrinks to its use over the first instances
    Py_XDECREF(instance);
    instance = PyObject_CallNoArgs(type);
    if (instance == nullptr) break;
    for (size_t i = 0; i < count; ++i) {
      if (PyObject_SetAttr(instance, keys[i], Py_None) != 0) {
        Py_CLEAR(instance);
        break;
      }
    }
    if (instance == nullptr) break;
  }
  PyObject* dict = instance != nullptr ? PyObject_GenericGetDict(instance, nullptr) : nullptr;
  Py_XDECREF(instance);
  Py_DECREF(type);
  if (dict == nullptr || PyDict_GET_SIZE(dict) != static_cast<Py_ssize_t>(count)) {
    PyErr_Clear();
    Py_CLEAR(dict);
  }
  return dict;
}

// Switches the cyclic collector off while many containers are built.
class PauseCollector {
 public:
  explicit PauseCollector(bool wanted) : paused_(wanted && PyGC_Disable() != 0) {}
  ~PauseCollector() {
    if (paused_) PyGC_Enable();
  }
  PauseCollector(const PauseCollector&) = delete;
  PauseCollector& operator=(const PauseCollector&) = delete;

 private:
  bool paused_;
};

}  // namespace

namespace {

// Writes rows into list[first, last); false with an error set.
bool fill_rows(PyObject* list, const std::vector<PyObject*>& keys, PyObject* shared, const Value* values, size_t first,
               size_t last) {
  for (size_t row = first; row < last; ++row) {
    PyObject* dict = shared != nullptr ? PyDict_Copy(shared) : PyDict_New();
    if (dict == nullptr) return false;
    PyList_SET_ITEM(list, static_cast<Py_ssize_t>(row), dict);
    for (PyObject* key : keys) {
      if (!put(dict, key, to_python(*values++))) return false;
    }
  }
  return true;
}

}  // namespace

PyObject* rows_to_python(PyObject* columns, const Value* values, size_t row_count) {
  constexpr size_t kChunkRows = 2048;
  constexpr size_t kSharedKeysFrom = 512;  // rows; a template costs about 20 microseconds
  constexpr auto kHoldMax = std::chrono::milliseconds(5);

  PyObject* list = PyList_New(static_cast<Py_ssize_t>(row_count));
  if (list == nullptr || row_count == 0) return list;
  // Unfinished, it must not be found through the collector while other threads run.
  PyObject_GC_UnTrack(list);
  std::vector<PyObject*> keys(static_cast<size_t>(PyList_GET_SIZE(columns)));  // the list is the caller's alone so far
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = PyList_GET_ITEM(columns, static_cast<Py_ssize_t>(i));
  PyObject* shared = row_count >= kSharedKeysFrom ? key_sharing_template(keys.data(), keys.size()) : nullptr;

  bool good = true;
  std::chrono::steady_clock::time_point taken;
  if (row_count > kChunkRows) taken = std::chrono::steady_clock::now();
  for (size_t row = 0; good && row < row_count; row += kChunkRows) {
    const size_t end = std::min(row + kChunkRows, row_count);
    {
      const PauseCollector pause(row_count > 1000);
      good = fill_rows(list, keys, shared, values + row * keys.size(), row, end);
    }
    if (good && end < row_count && std::chrono::steady_clock::now() - taken > kHoldMax) {
      PyEval_RestoreThread(PyEval_SaveThread());
      good = PyErr_CheckSignals() == 0;
      taken = std::chrono::steady_clock::now();
    }
  }
  Py_XDECREF(shared);
  PyObject_GC_Track(list);
  if (!good) Py_CLEAR(list);
  return list;
}

}  // namespace lora::python
