// Python objects to Values. Exact types first, by frequency; subclasses and foreign types after.
#include <algorithm>
#include <cmath>
#include <optional>

#include "convert.h"
#include "cypher/syntax/stack_guard.h"
#include "graph/spatial.h"
#include "graph/temporal.h"
#include "graph/vector.h"

namespace lora::python {

namespace {

constexpr int kDepthMax = kNestingMax;

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
  const char* root = nullptr;  // the outermost
  std::string_view key;        // map entry...
  Py_ssize_t index = -1;       // ...or list element
  int depth = 0;               // levels of containers around it
  Status* refused = nullptr;   // of the outermost: takes the refusal; null: it is raised

  std::string text(int levels = 32) const {
    if (parent == nullptr) return root;
    if (levels == 0) return "...";
    std::string out = parent->text(levels - 1);
    if (index >= 0) return out + "[" + std::to_string(index) + "]";
    out += "[\"";
    for (const char c : key.substr(0, kKeyBytesShown)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    if (key.size() > kKeyBytesShown) out += "...";
    return out + "\"]";
  }

 private:
  static constexpr size_t kKeyBytesShown = 100;
};

bool refuse(const Place& place, const std::string& why, std::string_view detail = {}) {
  Status status(ErrorCode::kInvalidParams, "`" + place.text() + "` " + why);
  if (!detail.empty()) status.mutable_info().detail = detail;
  const Place* outermost = &place;
  while (outermost->parent != nullptr) outermost = outermost->parent;
  if (outermost->refused != nullptr) {
    *outermost->refused = std::move(status);
  } else {
    raise_status(status);
  }
  return false;
}

// Turns the exception that a conversion of one value raised into ours; memory errors and interrupts stay.
bool refuse_error(const Place& place) {
  if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError)) return false;
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  PyObject* text = value != nullptr ? PyObject_Str(value) : nullptr;
  const char* data = text != nullptr ? PyUnicode_AsUTF8(text) : nullptr;
  std::string why = "cannot be read: ";
  why += data != nullptr ? data : "its conversion failed";
  PyErr_Clear();
  Py_XDECREF(text);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return refuse(place, why);
}

std::string type_name(PyObject* object) {
  return "`" + std::string(Py_TYPE(object)->tp_name) + "`";
}

bool is_instance(PyObject* object, PyObject* type, bool* failed) {
  if (*failed) return false;
  const int answer = PyObject_IsInstance(object, type);
  if (answer < 0) *failed = true;
  return answer > 0;
}

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
  if (v == -1 && PyErr_Occurred() != nullptr) return refuse_error(place);
  *out = Value::integer(v);
  return true;
}

bool convert_float(PyObject* object, const Place& place, Value* out) {
  const double v = PyFloat_AsDouble(object);
  if (v == -1.0 && PyErr_Occurred() != nullptr) return refuse_error(place);
  *out = Value::floating(v);
  return true;
}

// --- tagged maps ---

struct TaggedKind {
  const char* name;
  ValueType type;
};
constexpr TaggedKind kTaggedKinds[] = {
    {"date", ValueType::kDate},
    {"time", ValueType::kTime},
    {"localtime", ValueType::kLocalTime},
    {"datetime", ValueType::kDateTime},
    {"localdatetime", ValueType::kLocalDateTime},
    {"duration", ValueType::kDuration},
    {"point", ValueType::kPoint},
    {"vector", ValueType::kVector},
    {"binary", ValueType::kBinary},
};

Status bad(std::string why) {
  return {ErrorCode::kInvalidParams, std::move(why)};
}

bool is_present(const Value* value) {
  return value != nullptr && !value->is_null();
}

// The reference system of a tagged point: `srid`, `crs`, or what the keys suggest.
Result<Crs> tagged_crs(const Value& map, bool has_z) {
  const Value *srid = map.map_find("srid"), *name = map.map_find("crs");
  std::optional<Crs> by_srid, by_name;
  if (is_present(srid)) {
    if (srid->is_integer()) by_srid = spatial::find_crs(srid->as_integer());
    if (!by_srid) return bad("`srid` must be 7203, 9157, 4326 or 4979");
  }
  if (is_present(name)) {
    if (name->is_string()) by_name = spatial::find_crs(name->as_string());
    if (!by_name) return bad("`crs` must be cartesian, cartesian-3D, WGS-84-2D or WGS-84-3D");
  }
  if (by_srid && by_name && *by_srid != *by_name) return bad("`srid` and `crs` name different systems");
  if (by_srid) return *by_srid;
  if (by_name) return *by_name;
  const bool geographic = is_present(map.map_find("longitude")) || is_present(map.map_find("latitude"));
  if (geographic) return has_z ? Crs::kWgs84_3D : Crs::kWgs84;
  return has_z ? Crs::kCartesian3D : Crs::kCartesian;
}

Result<Value> tagged_point(const Value& map) {
  const Value *x = map.map_find("x"), *y = map.map_find("y"), *z = map.map_find("z");
  if (!is_present(z)) z = map.map_find("height");
  if (!is_present(z)) z = nullptr;
  if (!x->is_number() || !y->is_number() || (z != nullptr && !z->is_number())) {
    return bad("its coordinates must be numbers");
  }
  LORA_ASSIGN(const Crs crs, tagged_crs(map, z != nullptr));
  const bool wants_z = crs == Crs::kCartesian3D || crs == Crs::kWgs84_3D;
  if (wants_z != (z != nullptr)) {
    return bad(wants_z ? "a point in three dimensions needs `z`" : "a point in two dimensions has no `z`");
  }
  const std::pair<const char*, const Value*> repeated[] = {{"longitude", x}, {"latitude", y}, {"height", z}};
  for (const auto& [key, value] : repeated) {
    const Value* again = map.map_find(key);
    if (!is_present(again)) continue;
    if (!again->is_number() || value == nullptr || again->as_number() != value->as_number()) {
      return bad("`" + std::string(key) + "` does not repeat its coordinate");
    }
  }
  return spatial::make_point(crs, x->as_number(), y->as_number(), z != nullptr ? z->as_number() : 0);
}

Result<Value> tagged_vector(const Value& map) {
  const Value *dimension = map.map_find("dimension"), *type = map.map_find("coordinateType");
  const Value* values = map.map_find("values");
  if (!dimension->is_integer()) return bad("`dimension` must be an integer");
  const std::optional<VectorType> known = type->is_string() ? vectors::find_type(type->as_string()) : std::nullopt;
  if (!known) {
    return bad("`coordinateType` must be FLOAT64, FLOAT32, INTEGER, INTEGER32, INTEGER16 or INTEGER8");
  }
  if (!values->is_list()) return bad("`values` must be a list of numbers");
  return vectors::make(*values, dimension->as_integer(), *known);
}

Result<Value> tagged_binary(const Value& map) {
  const Value* segments = map.map_find("segments");
  if (!segments->is_list()) return bad("`segments` must be a list of bytes");
  Binary binary;
  for (const Value& segment : segments->as_list()) {
    if (segment.type() != ValueType::kBinary) return bad("`segments` must be a list of bytes");
    const Binary& piece = segment.as_binary();
    binary.segments.insert(binary.segments.end(), piece.segments.begin(), piece.segments.end());
  }
  const Value* length = map.map_find("length");
  if (is_present(length) && !(length->is_integer() && static_cast<uint64_t>(length->as_integer()) == binary.length())) {
    return bad("`length` is not the number of its bytes");
  }
  return Value::binary(std::move(binary));
}

// A map that carries `kind` and the keys which that kind needs is a tagged value; nullopt: it is a plain map.
std::optional<Result<Value>> from_tagged_map(const Value& map, std::string_view kind) {
  const auto* known = std::find_if(std::begin(kTaggedKinds), std::end(kTaggedKinds),
                                   [&](const TaggedKind& k) { return kind == k.name; });
  if (known == std::end(kTaggedKinds)) return std::nullopt;
  const auto has = [&](const char* key) { return map.map_find(key) != nullptr; };
  switch (known->type) {
    case ValueType::kPoint:
      if (!has("x") || !has("y")) return std::nullopt;
      return tagged_point(map);
    case ValueType::kVector:
      if (!has("dimension") || !has("coordinateType") || !has("values")) return std::nullopt;
      return tagged_vector(map);
    case ValueType::kBinary:
      if (!has("segments")) return std::nullopt;
      return tagged_binary(map);
    default: {
      const Value* iso = map.map_find("iso");
      if (iso == nullptr) return std::nullopt;
      if (!iso->is_string()) return Result<Value>(bad("`iso` must be text"));
      return temporal::parse(known->type, iso->as_string());
    }
  }
}

// --- the conversion ---

// One conversion. It may run Python code (a Mapping's methods, an Enum's value), which may let other threads in and
// change the containers that are being read: nothing here is shared between conversions.
class Converter {
 public:
  Converter() = default;
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    for (CachedKey& k : keys_) Py_XDECREF(k.object);
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
    if (place.depth > kDepthMax) return refuse(place, "is nested deeper than 1000 levels", "depth");
    if (cypher::stack_low()) return refuse(place, "is nested too deep for the stack of this thread", "depth");
    if (PyDict_CheckExact(object)) return map(object, place, out);
    if (PyList_CheckExact(object) || PyTuple_CheckExact(object)) return sequence(object, place, out);
    python_ran_ = true;
    return foreign(object, place, out);
  }

  bool entries(PyObject* dict, const Place& place, std::vector<MapEntry>* out) {
    const Py_ssize_t size = PyDict_GET_SIZE(dict);
    out->reserve(static_cast<size_t>(size));
    Py_ssize_t position = 0;
    PyObject *name = nullptr, *item = nullptr;
    size_t index = 0;
    while (PyDict_Next(dict, &position, &name, &item)) {
      Py_INCREF(name);
      Py_INCREF(item);
      Value key, value;
      const bool good = convert_key(name, index, place, &key) &&
                        convert(item, Place{&place, nullptr, key.as_string(), -1, place.depth + 1}, &value);
      Py_DECREF(name);
      Py_DECREF(item);
      if (!good) return false;
      if (PyDict_GET_SIZE(dict) != size) return refuse(place, "changed while it was read");
      out->emplace_back(std::move(key), std::move(value));
      ++index;
    }
    return !python_ran_ || keys_are_unique(*out, place);
  }

 private:
  // Rows of one shape share their key objects: a key is remembered by its place in the row.
  struct CachedKey {
    PyObject* object = nullptr;  // strong: a freed key's address may be used again
    Value key;
  };
  static constexpr size_t kKeysMax = 64;

  bool convert_key(PyObject* object, size_t position, const Place& place, Value* out) {
    CachedKey* cached = position < keys_.size() ? &keys_[position] : nullptr;
    if (cached != nullptr && cached->object == object) {
      *out = cached->key;
      return true;
    }
    if (!PyUnicode_Check(object)) {
      return refuse(place, "has a key of type " + type_name(object) + "; keys must be strings");
    }
    if (!PyUnicode_CheckExact(object)) python_ran_ = true;  // a subclass may hash and compare as it likes
    if (!convert_text(object, place, out)) return false;
    if (cached != nullptr) {
      Py_INCREF(object);
      Py_XDECREF(cached->object);
      cached->object = object;
      cached->key = *out;
    }
    return true;
  }

  // A dict has each key once, but for subclasses of str, and for changes while it is read.
  static bool keys_are_unique(const std::vector<MapEntry>& entries, const Place& place) {
    std::vector<std::string_view> keys;
    keys.reserve(entries.size());
    for (const MapEntry& e : entries) keys.push_back(e.first.as_string());
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    return twice == keys.end() || refuse(place, "has the key `" + std::string(*twice) + "` twice");
  }

  bool map(PyObject* dict, const Place& place, Value* out) {
    std::vector<MapEntry> list;
    if (!entries(dict, place, &list)) return false;
    Value map = Value::map(std::move(list));
    const Value* kind = map.map_find("kind");
    if (kind != nullptr && kind->is_string()) {
      std::optional<Result<Value>> tagged = from_tagged_map(map, kind->as_string());
      if (tagged.has_value()) {
        if (!tagged->ok()) {
          return refuse(place, "is no valid " + std::string(kind->as_string()) + ": " + tagged->status().message());
        }
        *out = std::move(**tagged);
        return true;
      }
    }
    *out = std::move(map);
    return true;
  }

  bool sequence(PyObject* object, const Place& place, Value* out) {
    PyObject* items = PySequence_Fast(object, "not a sequence");
    if (items == nullptr) return refuse_error(place);
    if (keys_.empty()) keys_.resize(kKeysMax);
    List list;
    list.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(items)));
    bool good = true;
    // The size is asked again each time: the conversion of an item may run code that changes the list.
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

  // Converts what stands for `object`: at the same place, one level deeper so that it cannot go on for ever.
  bool stand_in(PyObject* plain, const Place& place, Value* out) {
    if (plain == nullptr) return refuse_error(place);
    Place deeper = place;
    ++deeper.depth;
    const bool good = convert(plain, deeper, out);
    Py_DECREF(plain);
    return good;
  }

  bool foreign(PyObject* object, const Place& place, Value* out);
  bool numpy(PyObject* object, const Place& place, Value* out);
  bool numpy_time(PyObject* object, bool is_difference, const Place& place, Value* out);

  std::vector<CachedKey> keys_;  // empty until there is a list
  bool python_ran_ = false;
};

// Calls a method without arguments; its text goes through `parse`.
bool convert_by_text(PyObject* object, const char* method, const Place& place, Result<Value> (*parse)(std::string_view),
                     Value* out) {
  PyObject* text = PyObject_CallMethod(object, method, nullptr);
  if (text == nullptr) return refuse_error(place);
  Py_ssize_t size = 0;
  const char* data = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  bool good = false;
  if (data != nullptr) {
    Result<Value> parsed = parse({data, static_cast<size_t>(size)});
    good = parsed.ok();
    if (good) {
      *out = std::move(*parsed);
    } else {
      refuse(place, parsed.status().message());
    }
  } else {
    PyErr_Clear();
    refuse(place, "has no text");
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

// Python keeps -1 hour as -1 day and 23 hours. A day of Cypher is not always 24 hours, so all parts take one sign.
bool convert_timedelta(PyObject* object, const Place& place, Value* out) {
  int64_t days = 0, seconds = 0, microseconds = 0;
  if (!read_long(object, "days", &days) || !read_long(object, "seconds", &seconds) ||
      !read_long(object, "microseconds", &microseconds)) {
    return refuse_error(place);
  }
  if (days < 0 && (seconds != 0 || microseconds != 0)) {
    ++days;
    seconds -= temporal::kSecondsPerDay;
  }
  Result<Duration> duration = temporal::make_duration(0, days, seconds, microseconds * 1000);
  if (!duration.ok()) return refuse(place, duration.status().message());
  *out = Value::duration(*duration);
  return true;
}

// Whether a datetime or time knows its offset from UTC. -1: an error is set.
int is_aware(PyObject* object) {
  PyObject* offset = PyObject_CallMethod(object, "utcoffset", nullptr);
  if (offset == nullptr) return -1;
  const int aware = offset != Py_None;
  Py_DECREF(offset);
  return aware;
}

// The IANA name of a datetime's zone when it has one (zoneinfo's `key`); empty otherwise.
std::string zone_name(PyObject* object) {
  std::string name;
  PyObject* zone = PyObject_GetAttrString(object, "tzinfo");
  PyObject* key = zone != nullptr ? PyObject_GetAttrString(zone, "key") : nullptr;
  if (key != nullptr && PyUnicode_Check(key)) {
    const char* text = PyUnicode_AsUTF8(key);
    if (text != nullptr && std::string_view(text) != "UTC") name = text;
  }
  PyErr_Clear();
  Py_XDECREF(key);
  Py_XDECREF(zone);
  return name;
}

// datetime.datetime: aware values carry their offset, and the zone's name when it has one.
bool convert_datetime(PyObject* object, const Place& place, Value* out) {
  const int aware = is_aware(object);
  if (aware < 0) return refuse_error(place);
  if (aware == 0) return convert_by_text(object, "isoformat", place, temporal::parse_local_date_time, out);
  const std::string name = zone_name(object);
  if (name.empty()) return convert_by_text(object, "isoformat", place, temporal::parse_date_time, out);
  PyObject* iso = PyObject_CallMethod(object, "isoformat", nullptr);
  if (iso == nullptr) return refuse_error(place);
  PyObject* whole = PyUnicode_FromFormat("%U[%s]", iso, name.c_str());
  Py_DECREF(iso);
  if (whole == nullptr) return refuse_error(place);
  const bool good = convert_by_text(whole, "__str__", place, temporal::parse_date_time, out);
  Py_DECREF(whole);
  return good;
}

bool convert_time(PyObject* object, const Place& place, Value* out) {
  const int aware = is_aware(object);
  if (aware < 0) return refuse_error(place);
  return convert_by_text(object, "isoformat", place, aware ? temporal::parse_time : temporal::parse_local_time, out);
}

bool convert_bytes(PyObject* object, const Place& place, Value* out) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) != 0) return refuse_error(place);
  std::string bytes(static_cast<size_t>(view.len), '\0');
  const bool good = PyBuffer_ToContiguous(bytes.data(), &view, view.len, 'C') == 0;
  PyBuffer_Release(&view);
  if (!good) return refuse_error(place);
  Binary binary;
  binary.segments.push_back(std::move(bytes));
  *out = Value::binary(std::move(binary));
  return true;
}

bool convert_decimal(PyObject* object, const Place& place, Value* out) {
  if (!convert_float(object, place, out)) return false;
  if (!std::isinf(out->as_float())) return true;
  PyObject* infinite = PyObject_CallMethod(object, "is_infinite", nullptr);
  if (infinite == nullptr) return refuse_error(place);
  const bool good = PyObject_IsTrue(infinite) == 1;
  Py_DECREF(infinite);
  return good || refuse(place, "is a Decimal beyond the range of a float");
}

bool Converter::foreign(PyObject* object, const Place& place, Value* out) {
  if (!load_classes()) return false;
  bool failed = false;
  const auto is = [&](PyObject* type) { return is_instance(object, type, &failed); };
  // First: members of an Enum are often str or int as well.
  if (is(classes.enumeration)) return stand_in(PyObject_GetAttrString(object, "value"), place, out);
  if (failed) return refuse_error(place);
  if (PyUnicode_Check(object)) return convert_text(object, place, out);
  if (PyLong_Check(object)) return convert_integer(object, place, out);
  if (PyFloat_Check(object)) {
    *out = Value::floating(PyFloat_AS_DOUBLE(object));
    return true;
  }
  if (PyDict_Check(object)) return map(object, place, out);
  if (PyList_Check(object) || PyTuple_Check(object)) return sequence(object, place, out);
  if (PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object)) {
    return convert_bytes(object, place, out);
  }
  if (is(classes.datetime)) return convert_datetime(object, place, out);
  if (is(classes.date)) return convert_by_text(object, "isoformat", place, temporal::parse_date, out);
  if (is(classes.time)) return convert_time(object, place, out);
  if (is(classes.timedelta)) return convert_timedelta(object, place, out);
  if (is(classes.decimal)) return convert_decimal(object, place, out);
  if (is(classes.uuid)) return stand_in(PyObject_Str(object), place, out);
  if (is(classes.mapping)) {
    PyObject* dict = PyDict_New();
    if (dict == nullptr) return false;
    // An exception of the mapping's own code goes to the caller as it is.
    const bool good = PyDict_Update(dict, object) == 0 && map(dict, place, out);
    Py_DECREF(dict);
    return good;
  }
  if (failed) return refuse_error(place);
  if (PyObject_HasAttrString(object, "tolist") &&
      (PyObject_CheckBuffer(object) || PyObject_HasAttrString(object, "dtype"))) {
    return numpy(object, place, out);
  }
  return refuse(place, "is of type " + type_name(object) + ", which has no Cypher value");
}

// numpy scalars and arrays, array.array: tolist() gives plain Python data, but for dates.
bool Converter::numpy(PyObject* object, const Place& place, Value* out) {
  PyObject* dtype = PyObject_GetAttrString(object, "dtype");
  PyObject* kind = dtype != nullptr ? PyObject_GetAttrString(dtype, "kind") : nullptr;
  const char* letter = kind != nullptr && PyUnicode_Check(kind) ? PyUnicode_AsUTF8(kind) : nullptr;
  const char first = letter != nullptr ? letter[0] : '\0';
  PyErr_Clear();
  Py_XDECREF(kind);
  Py_XDECREF(dtype);
  if (first == 'M' || first == 'm') return numpy_time(object, first == 'm', place, out);
  PyObject* plain = PyObject_CallMethod(object, "tolist", nullptr);
  if (plain != nullptr && Py_TYPE(plain) == Py_TYPE(object)) {  // a long double
    Py_DECREF(plain);
    return convert_float(object, place, out);
  }
  return stand_in(plain, place, out);
}

// "ns" of timedelta64[ns]; empty: none, or an error that is cleared.
std::string numpy_unit(PyObject* object) {
  PyObject* dtype = PyObject_GetAttrString(object, "dtype");
  PyObject* name = dtype != nullptr ? PyObject_Str(dtype) : nullptr;
  const char* data = name != nullptr ? PyUnicode_AsUTF8(name) : nullptr;
  const std::string text = data != nullptr ? data : "";
  PyErr_Clear();
  Py_XDECREF(name);
  Py_XDECREF(dtype);
  const size_t open = text.find('['), close = text.find(']');
  return open < close && close != std::string::npos ? text.substr(open + 1, close - open - 1) : std::string();
}

// datetime64 and timedelta64: their tolist() gives bare integers for nanoseconds.
bool Converter::numpy_time(PyObject* object, bool is_difference, const Place& place, Value* out) {
  int64_t dimensions = 0;
  if (!read_long(object, "ndim", &dimensions)) return refuse_error(place);
  if (dimensions > 0) return sequence(object, place, out);
  PyObject* text = PyObject_Str(object);
  const char* data = text != nullptr ? PyUnicode_AsUTF8(text) : nullptr;
  if (data == nullptr) {
    Py_XDECREF(text);
    return refuse_error(place);
  }
  const std::string iso = data;
  Py_DECREF(text);
  if (iso == "NaT") {
    *out = Value();
    return true;
  }
  if (!is_difference) {
    Result<Value> parsed =
        iso.find('T') != std::string::npos ? temporal::parse_local_date_time(iso) : temporal::parse_date(iso);
    if (!parsed.ok()) return refuse(place, parsed.status().message());
    *out = std::move(*parsed);
    return true;
  }
  const std::string unit = numpy_unit(object);
  if (unit.empty() || unit.back() == 'Y' || unit.back() == 'M')
    return refuse(place, "is a timedelta64 without a fixed length");
  PyObject* nanoseconds = PyObject_CallMethod(object, "astype", "s", "timedelta64[ns]");
  PyObject* count = nanoseconds != nullptr ? PyObject_CallMethod(nanoseconds, "astype", "s", "int64") : nullptr;
  const int64_t nanos = count != nullptr ? PyLong_AsLongLong(count) : -1;
  Py_XDECREF(nanoseconds);
  Py_XDECREF(count);
  if (nanos == -1 && PyErr_Occurred() != nullptr) return refuse_error(place);
  const int64_t rest = nanos % temporal::kNanosPerDay;
  Result<Duration> duration = temporal::make_duration(
      0, nanos / temporal::kNanosPerDay, rest / temporal::kNanosPerSecond, rest % temporal::kNanosPerSecond);
  if (!duration.ok()) return refuse(place, duration.status().message());
  *out = Value::duration(*duration);
  return true;
}

}  // namespace

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
    if (failed) return refuse_error(place);
    if (!mapping) return refuse(place, "must be a mapping of names to values, not " + type_name(object));
    dict = PyDict_New();
    if (dict == nullptr) return false;
    if (PyDict_Update(dict, object) != 0) {
      Py_DECREF(dict);
      return false;
    }
  }
  std::vector<MapEntry> entries;
  const bool good = Converter().entries(dict, place, &entries);
  Py_DECREF(dict);
  if (good) *out = Value::map(std::move(entries));
  return good;
}

bool value_from_python(PyObject* object, const char* root, Status* refused, Value* out) {
  return Converter().convert(object, Place{nullptr, root, {}, -1, 0, refused}, out);
}

}  // namespace lora::python
