#include "graph/cache/label_chunk.h"

#include <cstring>
#include <new>

#include "graph/cache/versions.h"

namespace lora::graph::cache {

LabelChunk* LabelChunk::empty() {
  static LabelChunk* const shared = [] {
    auto* chunk = new (allocate(nullptr, sizeof(LabelChunk))) LabelChunk;
    chunk->flags = kStatic;
    return chunk;
  }();
  return shared;
}

LabelChunk* LabelChunk::make(WriteContext* context) {
  auto* chunk = new (allocate(context, sizeof(LabelChunk))) LabelChunk;
  register_object(context, chunk, sizeof(LabelChunk));
  return chunk;
}

LabelChunk* LabelChunk::writable(WriteContext& context, LabelChunk* chunk) {
  if (context.mine(chunk)) return chunk;
  LabelChunk* copy = make(&context);
  copy->count = chunk->count;
  std::memcpy(copy->bits, chunk->bits, sizeof copy->bits);
  context.retire(chunk);
  return copy;
}

}  // namespace lora::graph::cache
