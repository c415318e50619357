// The first line of a CSV file for an import: what each column is. The notation is that of Neo4j's importer, so that
// files made for it can be read.
//
//   name            a property, text
//   name:TYPE       a property; TYPE: string, int (also integer, long, short, byte), float (also double), boolean,
//   date,
//                   localtime, time, localdatetime, datetime, duration; with [] behind it: a list of them
//   name:ID(Group)  the id that relationship files name; also kept as a property when it has a name. The group may be
//                   left out; {id-type:int} behind it makes the property an integer
//   :LABEL          labels, separated like the items of lists
//   :START_ID(Group), :END_ID(Group), :TYPE   in files of relationships
//   :IGNORE         left out
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/value.h"
#include "kv/status.h"

namespace lora::cypher {

struct ImportColumn {
  enum class Role : uint8_t { kProperty, kId, kLabel, kStart, kEnd, kType, kIgnore };
  Role role = Role::kProperty;
  std::string name;   // of the property; empty: none
  std::string group;  // of an id
  ValueType type = ValueType::kString;
  bool list = false;
};

// kParse naming the column for what is not in the notation.
Result<ImportColumn> parse_import_column(std::string_view text);

// The header of a whole file: also that the columns fit together. kParse.
Result<std::vector<ImportColumn>> parse_import_header(const std::vector<std::string>& fields, bool relationships);

// A field's value; null for an empty one. `list_separator` splits lists. kParse when the text is none of the type.
Result<Value> parse_import_value(const ImportColumn& column, std::string_view text, char list_separator);

}  // namespace lora::cypher
