#include "storage/marker.hpp"

#include <fmt/format.h>
#include <rocksdb/env.h>

#include "storage/failure.hpp"

namespace tenbit::storage {

status<store_failure> set_marker(rocksdb::Env& env, const store_paths& paths) {
  std::unique_ptr<rocksdb::WritableFile> marker;
  auto status = env.NewWritableFile(paths.creating, &marker, rocksdb::EnvOptions());
  if (status.ok())
    status = marker->Fsync();
  if (status.ok())
    status = marker->Close();
  if (!status.ok())
    return fail(io_failure(paths.creating, "written", status.ToString()));
  return sync_folder(env, paths.dir);
}

status<store_failure> remove_marker(rocksdb::Env& env, const store_paths& paths) {
  if (const auto status = env.DeleteFile(paths.creating); !status.ok())
    return fail(io_failure(paths.creating, "removed", status.ToString()));
  return sync_folder(env, paths.dir);
}

} // namespace tenbit::storage
