// A disk in memory for crash tests: a FaultFs over a memory file system, whose whole content can be copied and put
// back.
#pragma once

#include <rocksdb/env.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kv/rocks_files.h"
#include "tests/kv/store_fixture.h"
#include "tests/support/fault_fs.h"

namespace lora::kv {

class MemoryDisk {
 public:
  using Image = std::map<std::string, std::string>;  // file name to content

  explicit MemoryDisk(uint64_t seed)
      : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        faults_(std::make_shared<tests::FaultFs>(env_->GetFileSystem(), seed)),
        file_system_(faults_) {}

  StoreOptions options() {
    StoreOptions options;
    options.directory = "/disk/db";
    options.file_system = &file_system_;
    return options;
  }
  tests::FaultFs& faults() { return *faults_; }

  Image image() {
    Image image;
    std::vector<std::string> names;
    EXPECT_TRUE(base().GetChildren("/disk/db", rocksdb::IOOptions(), &names, nullptr).ok());
    for (const std::string& name : names) {
      const Result<std::string> content = read_small_file(base(), "/disk/db/" + name, 16 << 20);
      if (content.ok() && name != "LOCK") {
        image[name] = *content;
      }
    }
    return image;
  }
  void put_back(const Image& image) {
    std::vector<std::string> names;
    base().CreateDirIfMissing("/disk/db", rocksdb::IOOptions(), nullptr).PermitUncheckedError();
    EXPECT_TRUE(base().GetChildren("/disk/db", rocksdb::IOOptions(), &names, nullptr).ok());
    for (const std::string& name : names) {
      base().DeleteFile("/disk/db/" + name, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
    }
    for (const auto& [name, content] : image) {
      EXPECT_STATUS_OK(write_small_file(base(), "/disk/db/" + name, content));
    }
  }

 private:
  rocksdb::FileSystem& base() { return *env_->GetFileSystem(); }

  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<tests::FaultFs> faults_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;
};

}  // namespace lora::kv
