#include "graph/run_writer.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "kv/contain.h"

namespace lora::graph {

namespace {

constexpr uint64_t kRunBytesMax = 32 << 20;
constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kQueueMax = 4;

}  // namespace

RunWriter::RunWriter(kv::Store* store, size_t threads) {
  for (size_t i = 0; i < threads; ++i) {
    lanes_.push_back(std::make_unique<Lane>(threads == 1 ? kQueueMax : kRunBytesMax / kBlockBytes));
    Lane* const lane = lanes_.back().get();
    lane->thread = std::thread([lane, store] { lane->work(store); });
  }
}

RunWriter::~RunWriter() = default;

RunWriter::Lane::~Lane() {
  if (thread.joinable()) {
    queue.discard();
    thread.join();
  }
}

Status RunWriter::put(kv::Keyspace space, ByteView key, ByteView value) {
  Filling& filling = filling_[static_cast<size_t>(space)];
  if (filling.run_bytes == 0) {
    filling.run = next_run_++;
  }
  Block& block = filling.block;
  if (block.bytes.empty() && filling.run_bytes != 0) {
    block.bytes.reserve(kBlockBytes + kBlockBytes / 16);  // as the one before; doubling ends at twice of what is needed
  }
  block.bytes.append(key).append(value);
  block.entries.push_back({static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
  filling.run_bytes += key.size() + value.size();
  const bool ends_run = filling.run_bytes >= kRunBytesMax;
  return block.bytes.size() < kBlockBytes && !ends_run ? Status() : hand_over(space, ends_run);
}

Status RunWriter::hand_over(kv::Keyspace space, bool ends_run) {
  Filling& filling = filling_[static_cast<size_t>(space)];
  Block block = std::exchange(filling.block, Block());
  block.space = space;
  block.run = filling.run;
  block.ends_run = ends_run;
  if (ends_run) {
    filling.run_bytes = 0;
  }
  Lane& lane = *lanes_[block.run % lanes_.size()];
  return lane.queue.push(std::move(block)) ? Status() : lane.failure;
}

Result<std::vector<std::unique_ptr<kv::SortedRun>>> RunWriter::finish() {
  for (size_t i = 0; i < filling_.size(); ++i) {
    if (filling_[i].run_bytes != 0) {
      LORA_TRY(hand_over(static_cast<kv::Keyspace>(i), true));
    }
  }
  std::vector<Run> finished;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    lane->queue.close();
  }
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    lane->thread.join();
    LORA_TRY(lane->failure);
    std::move(lane->finished.begin(), lane->finished.end(), std::back_inserter(finished));
  }
  std::sort(finished.begin(), finished.end(), [](const Run& a, const Run& b) { return a.number < b.number; });
  std::vector<std::unique_ptr<kv::SortedRun>> runs;
  for (Run& run : finished) {
    runs.push_back(std::move(run.run));
  }
  return runs;
}

void RunWriter::Lane::work(kv::Store* store) {
  while (const std::optional<Block> block = queue.pop()) {
    failure = contain([&] { return write(store, *block); });
    if (!failure.ok()) {
      queue.discard();
      return;
    }
  }
}

// Of a keyspace one run is written after the other.
Status RunWriter::Lane::write(kv::Store* store, const Block& block) {
  Run& out = open[static_cast<size_t>(block.space)];
  if (out.run == nullptr) {
    out.number = block.run;
    LORA_ASSIGN(out.run, store->sorted_run(block.space));
  }
  ByteView left = block.bytes;
  for (const Entry& entry : block.entries) {
    LORA_TRY(out.run->add(left.substr(0, entry.key_bytes), left.substr(entry.key_bytes, entry.value_bytes)));
    left.remove_prefix(entry.key_bytes + entry.value_bytes);
  }
  if (block.ends_run) {
    finished.push_back(std::move(out));
    out = Run();
  }
  return Status();
}

}  // namespace lora::graph
