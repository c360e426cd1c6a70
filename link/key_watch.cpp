#include "link/key_watch.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>

#include "config/limits.hpp"

namespace tenbit::link {

expected<key_watch, std::string> key_watch::open(const std::string& dir) {
  key_watch made(dir);
  made.seen_ = made.look(); // before reading: a change in between is seen as one
  auto list = read_allow_list(dir);
  if (!list)
    return fail(list.error());
  made.list_ = std::move(*list);
  return made;
}

key_watch::stamp key_watch::look() const {
  struct stat facts {};
  if (::stat((std::filesystem::path(dir_) / "peers").c_str(), &facts) != 0)
    return {}; // equals no file's stamp
  return {facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
}

expected<bool, std::string> key_watch::refresh(time now) {
  if (now - looked_ < limits::allow_list_period)
    return false;
  looked_ = now;
  const stamp current = look();
  if (current == seen_)
    return false;
  seen_ = current;
  auto list = read_allow_list(dir_);
  if (!list)
    return fail(fmt::format("{}; the list read before stays in force", list.error()));
  list_ = std::move(*list);
  return true;
}

} // namespace tenbit::link
