// An environment of RocksDB that does not sleep for long.
//
// After each flush or compaction that failed RocksDB sleeps for a second, and a close waits for
// that. A test that makes hundreds of them fail spends its time so. Nothing else is changed: the
// time of day and the steady clock are the real ones.
#pragma once

#include <algorithm>
#include <memory>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>
#include <utility>

namespace tenbit {

class impatient_clock : public rocksdb::SystemClockWrapper {
public:
  impatient_clock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "impatient_clock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000));
  }
};

class impatient_env : public rocksdb::EnvWrapper {
public:
  explicit impatient_env(const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<impatient_clock>();
  }
  // Over the real file system; lives as long as the program.
  static rocksdb::Env* usual() {
    static impatient_env env(rocksdb::FileSystem::Default());
    return &env;
  }
};

} // namespace tenbit
