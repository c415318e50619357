// Python objects to Values. Exact types first, by frequency; subclasses and foreign types after.
#include <cstdio>
#include <cstring>

#include "convert.h"
#include "graph/json.h"
#include "graph/spatial.h"
#include "graph/temporal.h"
#include "graph/vector.h"

namespace lora::python {

namespace {

constexpr int kDepthMax = 1000;

// Classes of the standard library, imported when a value needs them.
struct Classes {
  PyObject *mapping, *date, *time, *datetime, *timedelta, *decimal, *uuid, *enumeration;
};
Classes classes{};

PyObject* import_class(const char* module_name, const char* class_name) {
  PyObject* module = PyImport_ImportModule(module_name);
  if (module == nullptr) return nullptr;
  PyObject* result = PyObject_GetAttrString(module, class_name);
  Py_DECREF(module);
  return result;
}

bool load_classes() {
  if (classes.enumeration != nullptr) return true;
  return (classes.mapping = import_class("collections.abc", "Mapping")) != nullptr &&
         (classes.date = import_class("datetime", "date")) != nullptr &&
         (classes.time = import_class("datetime", "time")) != nullptr &&
         (classes.datetime = import_class("datetime", "datetime")) != nullptr &&
         (classes.timedelta = import_class("datetime", "timedelta")) != nullptr &&
         (classes.decimal = import_class("decimal", "Decimal")) != nullptr &&
         (classes.uuid = import_class("uuid", "UUID")) != nullptr &&
         (classes.enumeration = import_class("enum", "Enum")) != nullptr;
}

// Where in the parameters we are: a chain of stack frames, turned into text only for an error.
struct Place {
  const Place* parent = nullptr;
  const char* root = nullptr;     // the outermost
  std::string_view key;           // map entry...
  Py_ssize_t index = -1;          // ...or list element
  int depth = 0;

  std::string text() const {
    if (parent == nullptr) return root;
    std::string head = parent->text_limited(32);
    if (index >= 0) return head + "[" + std::to_string(index) + "]";
    return head + "[\"" + std::string(key) + "\"]";
  }

 private:
  std::string text_limited(int levels) const {
    if (levels == 0) return "...";
    if (parent == nullptr) return root;
    std::string head = parent->text_limited(levels - 1);
    if (index >= 0) return head + "[" + std::to_string(index) + "]";
    return head + "[\"" + std::string(key) + "\"]";
  }
};

bool refuse(const Place& place, const std::string& why) {
  raise_invalid_params("`" + place.text() + "` " + why);
  return false;
}

bool convert(PyObject* object, const Place& place, Value* out);

bool convert_text(PyObject* object, const Place& place, Value* out) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(object, &size);
  if (data == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return false;
    PyErr_Clear();
    return refuse(place, "holds a lone surrogate: not valid Unicode text");
  }
  *out = Value::string({data, static_cast<size_t>(size)});
  return true;
}

bool convert_integer(PyObject* object, const Place& place, Value* out) {
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow != 0) return refuse(place, "is an integer beyond 64 bits");
  if (v == -1 && PyErr_Occurred() != nullptr) return false;
  *out = Value::integer(v);
  return true;
}

bool convert_sequence(PyObject* object, const Place& place, Value* out) {
  // A snapshot: a conversion may run Python code that changes the list.
  PyObject* items = PySequence_Fast(object, "not a sequence");
  if (items == nullptr) return false;
  List list;
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(items);
  list.reserve(static_cast<size_t>(size));
  bool good = true;
  for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(items); ++i) {
    PyObject* item = Py_NewRef(PySequence_Fast_GET_ITEM(items, i));
    Value v;
    good = convert(item, Place{&place, nullptr, {}, i, place.depth + 1}, &v);
    Py_DECREF(item);
    list.push_back(std::move(v));
  }
  Py_DECREF(items);
  if (good) *out = Value::list(std::move(list));
  return good;
}

// Remembers keys by their place in the row: rows of one shape share their key objects.
struct KeyCache {
  struct Entry {
    PyObject* object = nullptr;  // strong: a freed key's address may be used again
    Value key;
  };
  static constexpr size_t kSize = 64;
  Entry entries[kSize];

  ~KeyCache() {
    for (Entry& e : entries) Py_XDECREF(e.object);
  }
};
KeyCache* key_cache = nullptr;  // of the conversion that is running; the GIL guards it

bool convert_key(PyObject* object, size_t position, const Place& place, Value* out) {
  KeyCache::Entry* entry = key_cache != nullptr && position < KeyCache::kSize ? &key_cache->entries[position] : nullptr;
  if (entry != nullptr && entry->object == object) {
    *out = entry->key;
    return true;
  }
  if (!PyUnicode_Check(object)) {
    return refuse(place, "has a key of type `" + std::string(Py_TYPE(object)->tp_name) + "`; keys must be strings");
  }
  if (!convert_text(object, place, out)) return false;
  if (entry != nullptr) {
    Py_INCREF(object);
    Py_XDECREF(entry->object);
    entry->object = object;
    entry->key = *out;
  }
  return true;
}

bool convert_entries(PyObject* dict, const Place& place, std::vector<MapEntry>* entries) {
  entries->reserve(static_cast<size_t>(PyDict_GET_SIZE(dict)));
  Py_ssize_t position = 0;
  PyObject *key = nullptr, *value = nullptr;
  const Py_ssize_t size = PyDict_GET_SIZE(dict);
  size_t index = 0;
  while (PyDict_Next(dict, &position, &key, &value)) {
    Py_INCREF(key);
    Py_INCREF(value);
    Value name, converted;
    const bool good = convert_key(key, index, place, &name) &&
                      convert(value, Place{&place, nullptr, name.as_string(), -1, place.depth + 1}, &converted);
    Py_DECREF(key);
    Py_DECREF(value);
    if (!good) return false;
    if (PyDict_GET_SIZE(dict) != size) return refuse(place, "changed while it was read");
    entries->emplace_back(std::move(name), std::move(converted));
    ++index;
  }
  return true;
}

// A dict that carries `kind` and the keys that kind needs is a tagged value. The engine's JSON form is the same shape.
bool convert_map(PyObject* dict, const Place& place, Value* out) {
  std::vector<MapEntry> entries;
  if (!convert_entries(dict, place, &entries)) return false;
  Value map = Value::map(std::move(entries));
  const Value* kind = map.map_find("kind");
  if (kind != nullptr && kind->is_string()) {
    Result<std::optional<Value>> tagged = from_tagged_map(map);
    if (!tagged.ok()) return refuse(place, "is no valid " + std::string(kind->as_string()) + ": " + tagged.status().message());
    if (tagged->has_value()) {
      *out = std::move(**tagged);
      return true;
    }
  }
  *out = std::move(map);
  return true;
}

bool is_instance(PyObject* object, PyObject* type, bool* failed) {
  const int answer = PyObject_IsInstance(object, type);
  if (answer < 0) *failed = true;
  return answer > 0;
}

// Calls a method without arguments; its text goes through `parse`.
bool convert_by_text(PyObject* object, const char* method, const Place& place, Result<Value> (*parse)(std::string_view),
                     Value* out) {
  PyObject* text = PyObject_CallMethod(object, method, nullptr);
  if (text == nullptr) return false;
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  bool good = data != nullptr;
  if (good) {
    Result<Value> parsed = parse({data, static_cast<size_t>(size)});
    if (parsed.ok()) {
      *out = std::move(*parsed);
    } else {
      good = refuse(place, parsed.status().message());
    }
  }
  Py_DECREF(text);
  return good;
}

bool read_long(PyObject* object, const char* name, int64_t* out) {
  PyObject* attribute = PyObject_GetAttrString(object, name);
  if (attribute == nullptr) return false;
  *out = PyLong_AsLongLong(attribute);
  Py_DECREF(attribute);
  return !(*out == -1 && PyErr_Occurred() != nullptr);
}

bool convert_timedelta(PyObject* object, Value* out) {
  int64_t days = 0, seconds = 0, microseconds = 0;
  if (!read_long(object, "days", &days) || !read_long(object, "seconds", &seconds) ||
      !read_long(object, "microseconds", &microseconds)) {
    return false;
  }
  Duration d;
  d.days = days;
  d.seconds = seconds;
  d.nanos = static_cast<int32_t>(microseconds * 1000);
  *out = Value::duration(d);
  return true;
}

// datetime.datetime: aware values carry their offset, and the zone's name when it has a `key` (zoneinfo).
bool convert_datetime(PyObject* object, const Place& place, Value* out) {
  PyObject* zone = PyObject_GetAttrString(object, "tzinfo");
  if (zone == nullptr) return false;
  std::string name;
  const bool aware = zone != Py_None;
  if (aware) {
    PyObject* key = PyObject_GetAttrString(zone, "key");
    if (key == nullptr) {
      PyErr_Clear();
    } else {
      if (PyUnicode_Check(key)) {
        const char* text = PyUnicode_AsUTF8(key);
        if (text != nullptr) name = text;
      }
      Py_DECREF(key);
    }
  }
  Py_DECREF(zone);
  PyObject* iso = PyObject_CallMethod(object, "isoformat", nullptr);
  if (iso == nullptr) return false;
  const char* data = PyUnicode_AsUTF8(iso);
  bool good = data != nullptr;
  if (good) {
    std::string text = data;
    if (!name.empty()) text += "[" + name + "]";
    Result<Value> parsed = aware ? temporal::parse_date_time(text) : temporal::parse_local_date_time(text);
    if (parsed.ok()) {
      *out = std::move(*parsed);
    } else {
      good = refuse(place, parsed.status().message());
    }
  }
  Py_DECREF(iso);
  return good;
}

bool convert_time(PyObject* object, const Place& place, Value* out) {
  PyObject* offset = PyObject_CallMethod(object, "utcoffset", nullptr);
  if (offset == nullptr) return false;
  const bool aware = offset != Py_None;
  Py_DECREF(offset);
  return convert_by_text(object, "isoformat", place, aware ? temporal::parse_time : temporal::parse_local_time, out);
}

// bytes, bytearray, memoryview: binary. Other buffers (arrays, numpy): their tolist().
bool convert_bytes(PyObject* object, Value* out) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_CONTIG_RO) != 0) return false;
  Binary binary;
  binary.segments.emplace_back(static_cast<const char*>(view.buf), static_cast<size_t>(view.len));
  PyBuffer_Release(&view);
  *out = Value::binary(std::move(binary));
  return true;
}

bool convert_foreign(PyObject* object, const Place& place, Value* out) {
  if (PyUnicode_Check(object)) return convert_text(object, place, out);
  if (!load_classes()) return false;
  bool failed = false;
  if (is_instance(object, classes.enumeration, &failed)) {
    PyObject* inner = PyObject_GetAttrString(object, "value");
    if (inner == nullptr) return false;
    const bool good = convert(inner, Place{&place, nullptr, "value", -1, place.depth + 1}, out);
    Py_DECREF(inner);
    return good;
  }
  if (failed) return false;
  if (PyLong_Check(object)) return convert_integer(object, place, out);
  if (PyFloat_Check(object)) {
    *out = Value::floating(PyFloat_AS_DOUBLE(object));
    return true;
  }
  if (PyDict_Check(object)) return convert_map(object, place, out);
  if (PyList_Check(object) || PyTuple_Check(object)) return convert_sequence(object, place, out);
  if (PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object)) return convert_bytes(object, out);
  if (is_instance(object, classes.datetime, &failed)) return convert_datetime(object, place, out);
  if (failed) return false;
  if (is_instance(object, classes.date, &failed)) {
    return convert_by_text(object, "isoformat", place, temporal::parse_date, out);
  }
  if (is_instance(object, classes.time, &failed)) return convert_time(object, place, out);
  if (is_instance(object, classes.timedelta, &failed)) return convert_timedelta(object, out);
  if (is_instance(object, classes.decimal, &failed)) {
    const double v = PyFloat_AsDouble(object);
    if (v == -1.0 && PyErr_Occurred() != nullptr) return false;
    *out = Value::floating(v);
    return true;
  }
  if (is_instance(object, classes.uuid, &failed)) {
    PyObject* text = PyObject_Str(object);
    if (text == nullptr) return false;
    const bool good = convert_text(text, place, out);
    Py_DECREF(text);
    return good;
  }
  if (is_instance(object, classes.mapping, &failed)) {
    PyObject* dict = PyDict_New();
    if (dict == nullptr) return false;
    const bool good = PyDict_Update(dict, object) == 0 && convert_map(dict, place, out);
    Py_DECREF(dict);
    return good;
  }
  if (failed) return false;
  // numpy scalars and arrays, array.array: tolist() gives plain Python data.
  if (PyObject_HasAttrString(object, "tolist") && (PyObject_CheckBuffer(object) || PyObject_HasAttrString(object, "dtype"))) {
    PyObject* plain = PyObject_CallMethod(object, "tolist", nullptr);
    if (plain == nullptr) return false;
    const bool same = Py_TYPE(plain) == Py_TYPE(object);
    const bool good = !same && convert(plain, Place{&place, nullptr, "tolist", -1, place.depth + 1}, out);
    Py_DECREF(plain);
    if (!same) return good;
  }
  return refuse(place, "is of type `" + std::string(Py_TYPE(object)->tp_name) + "`, which has no Cypher value");
}

bool convert(PyObject* object, const Place& place, Value* out) {
  if (PyUnicode_CheckExact(object)) return convert_text(object, place, out);
  if (PyLong_CheckExact(object)) return convert_integer(object, place, out);
  if (PyFloat_CheckExact(object)) {
    *out = Value::floating(PyFloat_AS_DOUBLE(object));
    return true;
  }
  if (object == Py_None) {
    *out = Value();
    return true;
  }
  if (PyBool_Check(object)) {
    *out = Value::boolean(object == Py_True);
    return true;
  }
  if (place.depth >= kDepthMax) return refuse(place, "is nested deeper than 1000 levels");
  if (PyDict_CheckExact(object)) return convert_map(object, place, out);
  if (PyList_CheckExact(object) || PyTuple_CheckExact(object)) return convert_sequence(object, place, out);
  return convert_foreign(object, place, out);
}

// Installs the key cache for the outermost conversion only.
class KeyCacheScope {
 public:
  KeyCacheScope() : outer_(key_cache) { key_cache = &cache_; }
  ~KeyCacheScope() { key_cache = outer_; }
  KeyCacheScope(const KeyCacheScope&) = delete;
  KeyCacheScope& operator=(const KeyCacheScope&) = delete;

 private:
  KeyCache cache_;
  KeyCache* outer_;
};

}  // namespace

bool initialise_conversions() { return true; }

bool from_python(PyObject* object, const char* root, Value* out) {
  const KeyCacheScope scope;
  return convert(object, Place{nullptr, root, {}, -1, 0}, out);
}

bool params_from_python(PyObject* object, Value* out) {
  if (object == Py_None) {
    *out = Value();
    return true;
  }
  const Place place{nullptr, "params", {}, -1, 0};
  PyObject* dict = nullptr;
  if (PyDict_Check(object)) {
    dict = Py_NewRef(object);
  } else {
    bool failed = false;
    if (!load_classes()) return false;
    const bool mapping = is_instance(object, classes.mapping, &failed);
    if (failed) return false;
    if (!mapping) {
      return refuse(place, "must be a mapping of names to values, not `" + std::string(Py_TYPE(object)->tp_name) + "`");
    }
    dict = PyDict_New();
    if (dict == nullptr) return false;
    if (PyDict_Update(dict, object) != 0) {
      Py_DECREF(dict);
      return false;
    }
  }
  std::vector<MapEntry> entries;
  bool good = false;
  if (PyDict_GET_SIZE(dict) <= 1) {
    good = convert_entries(dict, place, &entries);
  } else {
    const KeyCacheScope scope;
    good = convert_entries(dict, place, &entries);
  }
  Py_DECREF(dict);
  if (good) *out = Value::map(std::move(entries));
  return good;
}

}  // namespace lora::python
