#include "kv/memory_store.h"

#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <variant>

#include "kv/commit_record.h"

namespace lora::kv {
namespace {

using Entries = std::map<std::string, std::string, std::less<>>;

struct State {
  std::array<Entries, kKeyspaceCount> spaces;
  uint64_t commit = 0;
  std::string payload;
};

struct Put {
  Keyspace space;
  std::string key;
  std::string value;
};
struct Remove {
  Keyspace space;
  std::string key;
};
struct RemoveRange {
  Keyspace space;
  std::string first;
  std::string last;
};
using Change = std::variant<Put, Remove, RemoveRange>;

bool is_reserved(Keyspace space, ByteView key) {
  return space == Keyspace::kMeta && is_reserved_meta_key(key);
}

Status reserved_key() {
  return Status::internal("keys of the meta keyspace that are empty or start with byte 00 belong to the store");
}

class ModelBatch final : public WriteBatch {
 public:
  void put(Keyspace space, ByteView key, ByteView value) override {
    faulty_ = faulty_ || is_reserved(space, key);
    add(Put{space, std::string(key), std::string(value)}, key.size() + value.size());
  }
  void remove(Keyspace space, ByteView key) override {
    faulty_ = faulty_ || is_reserved(space, key);
    add(Remove{space, std::string(key)}, key.size());
  }
  void remove_range(Keyspace space, ByteView first, ByteView last) override {
    if (first < last) {
      add(RemoveRange{space, std::string(first), std::string(last)}, first.size() + last.size());
    }
  }
  void clear() override {
    changes_.clear();
    bytes_ = 0;
    faulty_ = false;
  }
  size_t count() const override { return changes_.size(); }
  size_t byte_size() const override { return bytes_; }

  const std::vector<Change>& changes() const { return changes_; }
  bool faulty() const { return faulty_; }

 private:
  void add(Change change, size_t bytes) {
    changes_.push_back(std::move(change));
    bytes_ += bytes;
  }
  std::vector<Change> changes_;
  size_t bytes_ = 0;
  bool faulty_ = false;
};

class ModelRun final : public SortedRun {
 public:
  explicit ModelRun(Keyspace space) : space_(space) {}
  Status add(ByteView key, ByteView value) override {
    if (is_reserved(space_, key)) {
      return reserved_key();
    }
    if (!entries_.empty() && key <= ByteView(entries_.back().first)) {
      return Status::config("keys of a sorted run must ascend");
    }
    entries_.emplace_back(key, value);
    return Status();
  }
  uint64_t count() const override { return entries_.size(); }
  Keyspace space() const { return space_; }
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  Keyspace space_;
  std::vector<std::pair<std::string, std::string>> entries_;
};

class ModelCursor final : public Cursor {
 public:
  ModelCursor(std::shared_ptr<const State> state, Keyspace space, const CursorOptions& options)
      : state_(std::move(state)), entries_(state_->spaces[static_cast<size_t>(space)]) {
    begin_ = entries_.lower_bound(options.lower);
    end_ = options.upper.empty() ? entries_.end() : entries_.lower_bound(options.upper);
    if (!options.upper.empty() && options.upper <= options.lower) {
      end_ = begin_;
    }
    at_ = end_;
  }
  void seek_first() override { at_ = begin_; }
  void seek(ByteView key) override {
    at_ = begin_;
    while (at_ != end_ && ByteView(at_->first) < key) {
      ++at_;
    }
  }
  void seek_for_prev(ByteView key) override {
    at_ = end_;
    for (auto entry = begin_; entry != end_ && ByteView(entry->first) <= key; ++entry) {
      at_ = entry;
    }
  }
  void next() override { ++at_; }
  void prev() override { at_ = at_ == begin_ ? end_ : std::prev(at_); }
  bool valid() const override { return at_ != end_; }
  ByteView key() const override { return at_->first; }
  ByteView value() const override { return at_->second; }
  Status status() const override { return Status(); }

 private:
  std::shared_ptr<const State> state_;
  const Entries& entries_;
  Entries::const_iterator begin_;
  Entries::const_iterator end_;
  Entries::const_iterator at_;
};

class MemoryStore final : public Store {
 public:
  Result<bool> get(Keyspace space, ByteView key, const Snapshot* snapshot, std::string* value) const override {
    LORA_TRY(check_open());
    const std::shared_ptr<const State> state = at(snapshot);
    const Entries& entries = state->spaces[static_cast<size_t>(space)];
    const auto found = entries.find(key);
    if (found == entries.end()) {
      return false;
    }
    *value = found->second;
    return true;
  }
  Status multi_get(Keyspace space, std::span<const ByteView> keys, const Snapshot* snapshot,
                   std::vector<std::optional<std::string>>* values) const override {
    values->clear();
    for (const ByteView key : keys) {
      std::string value;
      LORA_ASSIGN(const bool found, get(space, key, snapshot, &value));
      values->push_back(found ? std::optional(std::move(value)) : std::nullopt);
    }
    return Status();
  }
  std::unique_ptr<Cursor> cursor(Keyspace space, const CursorOptions& options) const override {
    return std::make_unique<ModelCursor>(at(options.snapshot), space, options);
  }
  const Snapshot* snapshot() const override {
    return reinterpret_cast<const Snapshot*>(new std::shared_ptr<const State>(at(nullptr)));
  }
  void release_snapshot(const Snapshot* snapshot) const override {
    delete reinterpret_cast<const std::shared_ptr<const State>*>(snapshot);
  }
  std::unique_ptr<WriteBatch> batch() const override { return std::make_unique<ModelBatch>(); }

  Result<uint64_t> write(WriteBatch& batch, ByteView payload) override { return apply({}, batch, payload); }
  Status wait_durable(uint64_t) override { return check_open(); }
  Status sync() override { return check_open(); }
  Result<std::unique_ptr<SortedRun>> sorted_run(Keyspace space) override {
    LORA_TRY(check_open());
    return std::unique_ptr<SortedRun>(std::make_unique<ModelRun>(space));
  }
  Result<uint64_t> ingest(std::vector<std::unique_ptr<SortedRun>> runs, WriteBatch& batch, ByteView payload) override {
    return apply(runs, batch, payload);
  }
  Result<std::string> last_payload(const Snapshot* snapshot) const override {
    LORA_TRY(check_open());
    return at(snapshot)->payload;
  }
  uint64_t last_commit() const override { return at(nullptr)->commit; }
  const RecoveryReport& recovery() const override { return recovery_; }
  Status flush(bool) override { return check_open(); }
  Result<uint64_t> clear(ByteView payload) override {
    LORA_TRY(check_open());
    auto next = std::make_shared<State>();
    next->commit = last_commit() + 1;
    next->payload = payload;
    return publish(std::move(next));
  }
  Status verify_checksums(bool) const override { return check_open(); }
  Status catch_up() override { return check_open(); }
  StoreStats stats() const override {
    StoreStats stats;
    stats.engine = "ordered map";
    const std::lock_guard<std::mutex> lock(mutex_);
    stats.commits = state_->commit;
    return stats;
  }
  bool in_memory() const override { return true; }
  Status health() const override { return Status(); }
  Status close() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    return Status();
  }

 private:
  Status check_open() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return closed_ ? Status(ErrorCode::kClosed, "the store is closed") : Status();
  }
  std::shared_ptr<const State> at(const Snapshot* snapshot) const {
    if (snapshot != nullptr) {
      return *reinterpret_cast<const std::shared_ptr<const State>*>(snapshot);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    return state_;
  }
  uint64_t publish(std::shared_ptr<const State> next) {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_ = std::move(next);
    return state_->commit;
  }
  Result<uint64_t> apply(const std::vector<std::unique_ptr<SortedRun>>& runs, const WriteBatch& batch,
                         ByteView payload) {
    LORA_TRY(check_open());
    const auto& model = static_cast<const ModelBatch&>(batch);
    if (model.faulty()) {
      return reserved_key();
    }
    auto next = std::make_shared<State>(*at(nullptr));
    for (const std::unique_ptr<SortedRun>& run : runs) {
      const auto& model_run = static_cast<const ModelRun&>(*run);
      for (const auto& [key, value] : model_run.entries()) {
        next->spaces[static_cast<size_t>(model_run.space())].insert_or_assign(key, value);
      }
    }
    for (const Change& change : model.changes()) {
      if (const auto* put = std::get_if<Put>(&change)) {
        next->spaces[static_cast<size_t>(put->space)].insert_or_assign(put->key, put->value);
      } else if (const auto* remove = std::get_if<Remove>(&change)) {
        next->spaces[static_cast<size_t>(remove->space)].erase(remove->key);
      } else {
        const auto& range = std::get<RemoveRange>(change);
        Entries& entries = next->spaces[static_cast<size_t>(range.space)];
        entries.erase(entries.lower_bound(range.first), entries.lower_bound(range.last));
      }
    }
    ++next->commit;
    next->payload = payload;
    return publish(std::move(next));
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_ = std::make_shared<State>();
  bool closed_ = false;
  RecoveryReport recovery_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace lora::kv
