#include "tests/reference/random_query.h"

namespace lora::reference {

const Value& parameters() {
  static const Value kParameters = [] {
    List items;
    for (const int i : {1, 3}) items.push_back(Value::integer(i));
    items.emplace(items.begin() + 1);
    std::vector<MapEntry> map, all;
    map.emplace_back(Value::string("a"), Value::integer(1));
    map.emplace_back(Value::string("b"), Value::string("x"));
    const auto add = [&](const char* name, Value value) { all.emplace_back(Value::string(name), std::move(value)); };
    add("two", Value::integer(2));
    add("minus", Value::integer(-1));
    add("half", Value::floating(0.5));
    add("text", Value::string("ab"));
    add("none", Value());
    add("any", Value::boolean(true));
    add("list", Value::list(std::move(items)));
    add("map", Value::map(std::move(map)));
    add("day", Value::date({19'782}));
    add("moment", Value::local_date_time({19'753 * 86'400, 0}));
    add("span", Value::duration({1, 2, 3'600, 0}));
    add("place", Value::point({Crs::kCartesian, 1, 0.5, 0}));
    return Value::map(std::move(all));
  }();
  return kParameters;
}

}  // namespace lora::reference
