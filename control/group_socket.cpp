// Sockets for the members of a Unix group, as they are named on the command line.
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include "base/text.hpp"
#include "control/control.hpp"

namespace tenbit::control {

expected<group_socket, std::string> parse_group_socket(right gives, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return fail(fmt::format("\"{}\": write GROUP=PATH, such as tenbit-{}=/run/tenbit/{}.sock",
                            one_line(text, limits::shown_name_chars_max), to_string(gives),
                            to_string(gives)));
  const std::string name = text.substr(0, equals);
  std::vector<char> buffer(1U << 20); // a group of many members is long
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr)
    return fail(fmt::format("there is no group \"{}\" on this machine; `getent group` lists them",
                            one_line(name, limits::shown_name_chars_max)));
  return group_socket{gives, text.substr(equals + 1), found->gr_gid};
}

std::string closed_folder(const group_socket& socket) {
  std::error_code error; // then there is nothing to look at
  for (auto folder = std::filesystem::absolute(socket.path, error).parent_path();;
       folder = folder.parent_path()) {
    struct stat file {};
    const bool there = !folder.empty() && ::stat(folder.c_str(), &file) == 0;
    const bool open = (file.st_mode & S_IXOTH) != 0 ||
                      (file.st_gid == socket.group && (file.st_mode & S_IXGRP) != 0);
    if (there && !open)
      return folder.string();
    if (!there || folder == folder.root_path())
      return {};
  }
}

} // namespace tenbit::control
