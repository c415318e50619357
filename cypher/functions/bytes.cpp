// Functions of binary values.
#include <sodium.h>

#include <string>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

std::string joined(const Binary& binary) {
  std::string all;
  all.reserve(binary.length());
  for (const std::string& segment : binary.segments) all += segment;
  return all;
}

Value one_segment(std::string bytes) {
  Binary binary;
  binary.segments.push_back(std::move(bytes));
  return Value::binary(std::move(binary));
}

Status bad_text(std::string_view what) {
  return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue",
                         "the text is not valid " + std::string(what));
}

Status size(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::integer(static_cast<int64_t>(args[0].as_binary().length()));
  return Status();
}

Status from_string(EvalContext&, std::span<const Value> args, Value* out) {
  *out = one_segment(std::string(args[0].as_string()));
  return Status();
}

Status hex_encode(EvalContext& context, std::span<const Value> args, Value* out) {
  const std::string bytes = joined(args[0].as_binary());
  LORA_TRY(context.control->charge_made(bytes.size() * 2));
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  text.pop_back();
  *out = Value::string(text);
  return Status();
}

Status hex_decode(EvalContext&, std::span<const Value> args, Value* out) {
  const std::string_view text = args[0].as_string();
  std::string bytes(text.size() / 2, '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (text.size() % 2 != 0 ||
      sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                     &length, &end) != 0 ||
      end != text.data() + text.size()) {
    return bad_text("hexadecimal");
  }
  *out = one_segment(std::move(bytes));
  return Status();
}

Status base64_encode(EvalContext& context, std::span<const Value> args, Value* out) {
  const std::string bytes = joined(args[0].as_binary());
  LORA_TRY(context.control->charge_made(bytes.size() * 2));
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  *out = Value::string(text);
  return Status();
}

Status base64_decode(EvalContext&, std::span<const Value> args, Value* out) {
  const std::string_view text = args[0].as_string();
  std::string bytes(text.size(), '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &length, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size()) {
    return bad_text("base64");
  }
  bytes.resize(length);
  *out = one_segment(std::move(bytes));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> bytes_functions() {
  constexpr std::string_view kCategory = "Bytes";
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  constexpr TypeSet kBinaryType = type_bit(ValueType::kBinary);
  static const std::vector<FunctionSpec> table = {
      {"bytes.size",
       {},
       {{"bytes", kBinaryType}},
       1,
       1,
       kIntegerType,
       kPure,
       kNull,
       kCategory,
       "How many bytes.",
       "bytes.size(bytes.hex_decode('00ff'))",
       "2",
       size},
      {"bytes.from_string",
       {},
       {{"text", kStringType}},
       1,
       1,
       kBinaryType,
       kPure,
       kNull,
       kCategory,
       "The UTF-8 bytes of a text.",
       "bytes.hex_encode(bytes.from_string('é'))",
       "'c3a9'",
       from_string},
      {"bytes.hex_encode",
       {},
       {{"bytes", kBinaryType}},
       1,
       1,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Bytes as hexadecimal text.",
       "bytes.hex_encode(bytes.from_string('a'))",
       "'61'",
       hex_encode},
      {"bytes.hex_decode",
       {},
       {{"text", kStringType}},
       1,
       1,
       kBinaryType,
       kPure,
       kNull,
       kCategory,
       "Bytes from hexadecimal text.",
       "bytes.size(bytes.hex_decode('6162'))",
       "2",
       hex_decode},
      {"bytes.base64_encode",
       {},
       {{"bytes", kBinaryType}},
       1,
       1,
       kStringType,
       kPure,
       kNull,
       kCategory,
       "Bytes as base64 text.",
       "bytes.base64_encode(bytes.from_string('abc'))",
       "'YWJj'",
       base64_encode},
      {"bytes.base64_decode",
       {},
       {{"text", kStringType}},
       1,
       1,
       kBinaryType,
       kPure,
       kNull,
       kCategory,
       "Bytes from base64 text.",
       "bytes.size(bytes.base64_decode('YWJj'))",
       "3",
       base64_decode},
  };
  return table;
}

}  // namespace lora::cypher
