#include "storage/marker.hpp"

#include <fmt/format.h>
#include <rocksdb/env.h>

namespace tenbit::storage {
namespace {

store_failure io(const std::string& path, std::string_view doing, const rocksdb::Status& status) {
  return {store_error::io, fmt::format("{}: cannot be {}: {}", path, doing, status.ToString())};
}

} // namespace

status<store_failure> set_marker(rocksdb::Env& env, const store_paths& paths) {
  std::unique_ptr<rocksdb::WritableFile> marker;
  auto status = env.NewWritableFile(paths.creating, &marker, rocksdb::EnvOptions());
  if (status.ok())
    status = marker->Fsync();
  if (status.ok())
    status = marker->Close();
  if (!status.ok())
    return fail(io(paths.creating, "written", status));
  return sync_folder(env, paths.dir);
}

status<store_failure> remove_marker(rocksdb::Env& env, const store_paths& paths) {
  if (const auto status = env.DeleteFile(paths.creating); !status.ok())
    return fail(io(paths.creating, "removed", status));
  return sync_folder(env, paths.dir);
}

} // namespace tenbit::storage
