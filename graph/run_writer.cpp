#include "graph/run_writer.h"

#include <optional>
#include <utility>

#include "kv/contain.h"

namespace lora::graph {

namespace {

constexpr uint64_t kRunBytesMax = 64 << 20;
constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kQueueMax = 4;

}  // namespace

RunWriter::RunWriter(kv::Store* store) : store_(store), queue_(kQueueMax), thread_([this] { work(); }) {}

RunWriter::~RunWriter() {
  if (thread_.joinable()) {
    queue_.discard();
    thread_.join();
  }
}

Status RunWriter::put(kv::Keyspace space, ByteView key, ByteView value) {
  Block& block = filling_[static_cast<size_t>(space)];
  block.bytes.append(key).append(value);
  block.entries.push_back({static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
  if (block.bytes.size() < kBlockBytes) {
    return Status();
  }
  block.space = space;
  return hand_over(&block);
}

Status RunWriter::hand_over(Block* block) {
  return queue_.push(std::exchange(*block, Block())) ? Status() : failure_;
}

Result<std::vector<std::unique_ptr<kv::SortedRun>>> RunWriter::finish() {
  for (size_t i = 0; i < filling_.size(); ++i) {
    if (!filling_[i].entries.empty()) {
      filling_[i].space = static_cast<kv::Keyspace>(i);
      LORA_TRY(hand_over(&filling_[i]));
    }
  }
  queue_.close();
  thread_.join();
  LORA_TRY(failure_);
  for (Output& out : outputs_) {
    end_run(&out);
  }
  return std::move(runs_);
}

void RunWriter::work() {
  while (const std::optional<Block> block = queue_.pop()) {
    failure_ = contain([&] { return write(*block); });
    if (!failure_.ok()) {
      queue_.discard();
      return;
    }
  }
}

Status RunWriter::write(const Block& block) {
  Output& out = outputs_[static_cast<size_t>(block.space)];
  ByteView left = block.bytes;
  for (const Entry& entry : block.entries) {
    if (out.bytes >= kRunBytesMax) {
      end_run(&out);
    }
    if (out.run == nullptr) {
      LORA_ASSIGN(out.run, store_->sorted_run(block.space));
    }
    const ByteView key = left.substr(0, entry.key_bytes);
    const ByteView value = left.substr(entry.key_bytes, entry.value_bytes);
    LORA_TRY(out.run->add(key, value));
    out.bytes += key.size() + value.size();
    left.remove_prefix(key.size() + value.size());
  }
  return Status();
}

void RunWriter::end_run(Output* out) {
  if (out->run != nullptr && out->run->count() != 0) {
    runs_.push_back(std::move(out->run));
  }
  *out = Output();
}

}  // namespace lora::graph
