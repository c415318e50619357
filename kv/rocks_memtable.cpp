#include "kv/rocks_memtable.h"

#include <cstddef>
#include <new>
#include <string_view>
#include <type_traits>

#include "kv/entry_tree.h"

namespace lora::kv {
namespace {

using Bound = EntryTree::Bound;
using Target = EntryTree::Target;

Target target_of(const rocksdb::Slice& internal_key) {
  return Target::of_internal_key({internal_key.data(), internal_key.size()});
}

class TreeIterator : public rocksdb::MemTableRep::Iterator {
 public:
  explicit TreeIterator(const EntryTree* tree) : tree_(*tree) {}

  bool Valid() const override { return at_ >= 0 && at_ < run_.count; }
  const char* key() const override { return run_.entries[at_]; }
  void Next() override {
    if (++at_ < run_.count) return;
    tree_.ascend(Target::of_entry(run_.entries[at_ - 1]), Bound::kExclusive, &run_);
    at_ = 0;
  }
  void Prev() override {
    if (--at_ >= 0) return;
    tree_.descend(Target::of_entry(run_.entries[0]), Bound::kExclusive, &run_);
    at_ = run_.count - 1;
  }
  void Seek(const rocksdb::Slice& internal_key, const char* /*memtable_key*/) override {
    tree_.ascend(target_of(internal_key), Bound::kInclusive, &run_);
    at_ = 0;
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* /*memtable_key*/) override {
    tree_.descend(target_of(internal_key), Bound::kInclusive, &run_);
    at_ = run_.count - 1;
  }
  void SeekToFirst() override {
    tree_.first(&run_);
    at_ = 0;
  }
  void SeekToLast() override {
    tree_.last(&run_);
    at_ = run_.count - 1;
  }

 private:
  const EntryTree& tree_;
  EntryTree::Run run_;
  int at_ = -1;
};

// Frees the memory of the object that it is a base of, after everything else of that is gone.
class OwnMemory {
 public:
  OwnMemory() = default;
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;

 protected:
  ~OwnMemory() { ::operator delete(static_cast<void*>(this)); }
};

// An iterator that is given an arena is destroyed but not deleted, and the arena's interface is not public: this one
// is its own owner, however it ends. OwnMemory is the first base, so it is destroyed last, and empty, so it lies where
// the object begins.
static_assert(std::is_empty_v<OwnMemory>);
class OwnedIterator final : private OwnMemory, public TreeIterator {
 public:
  explicit OwnedIterator(const EntryTree* tree) : TreeIterator(tree) {}
  static void* operator new(size_t bytes) { return ::operator new(bytes); }
  static void operator delete(void* /*memory*/) {}  // ~OwnMemory() has done it
};

// For one lookup, one at a time in a thread, in whose memory it lies: RocksDB 7 does not give it back, later versions
// delete it.
class LookupIterator final : public TreeIterator {
 public:
  explicit LookupIterator(const EntryTree* tree) : TreeIterator(tree) {}
  static void* operator new(size_t /*bytes*/, void* place) { return place; }
  static void operator delete(void* /*memory*/) {}
};

class TreeMemtable final : public rocksdb::MemTableRep {
 public:
  explicit TreeMemtable(rocksdb::Allocator* allocator) : MemTableRep(allocator) {}

  void Insert(rocksdb::KeyHandle handle) override { tree_.insert(static_cast<const char*>(handle)); }
  bool Contains(const char* key) const override {
    EntryTree::Run run;
    const Target target = Target::of_entry(key);
    tree_.ascend(target, Bound::kInclusive, &run);
    if (run.count == 0) return false;
    const Target found = Target::of_entry(run.entries[0]);
    return found.user_key == target.user_key && found.version == target.version;
  }
  void MarkReadOnly() override { tree_.freeze(); }
  size_t ApproximateMemoryUsage() override { return tree_.bytes(); }  // beside the arena
  Iterator* GetIterator(rocksdb::Arena* /*arena*/) override { return new OwnedIterator(&tree_); }
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    alignas(LookupIterator) thread_local char place[sizeof(LookupIterator)];
    return new (place) LookupIterator(&tree_);
  }

 private:
  EntryTree tree_;
};

}  // namespace

rocksdb::MemTableRep* TreeMemtableFactory::CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& /*comparator*/,
                                                             rocksdb::Allocator* allocator,
                                                             const rocksdb::SliceTransform* /*transform*/,
                                                             rocksdb::Logger* /*logger*/) {
  return new TreeMemtable(allocator);
}

}  // namespace lora::kv
