#include "report/output_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tenbit::report {

namespace {

// A new name is durable when its directory is.
bool sync_directory(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  const bool synced = ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  errno = why;
  return synced;
}

// Without setting it: other threads make files meanwhile.
mode_t umask_now() {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name; status.ignore(4096, '\n'))
    if (unsigned mask = 0; name == "Umask:" && status >> std::oct >> mask)
      return static_cast<mode_t>(mask);
  return 077;
}

// mkostemp makes 0600; a result gets what the umask leaves of 0644, as any other new file.
void open_to_readers(int fd) {
  const mode_t mask = umask_now();
  ignore(::fchmod(fd, 0644 & ~mask), "a private result is still a result");
}

} // namespace

output_file::output_file(std::string path, durability wanted)
    : path_(std::move(path)), wanted_(wanted) {
  if (path_.empty()) {
    file_ = stdout;
    return;
  }
  std::string name = path_ + ".tmp-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    fail_with("cannot be created");
    return;
  }
  temporary_ = name;
  open_to_readers(fd);
  file_ = ::fdopen(fd, "wb");
  if (file_ == nullptr) {
    fail_with("cannot be opened");
    ::close(fd);
  }
}

output_file::~output_file() {
  if (file_ != nullptr && file_ != stdout)
    ignore(std::fclose(file_), "the file is thrown away");
  if (!temporary_.empty())
    ignore(::unlink(temporary_.c_str()), "nothing reads a leftover .tmp file");
}

void output_file::fail_with(const char* what) {
  if (error_.empty())
    error_ = fmt::format("{} {}: {}", path_.empty() ? "standard output" : path_, what,
                         std::strerror(errno));
}

void output_file::write(std::string_view bytes) {
  if (failed() || file_ == nullptr)
    return;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
    fail_with("cannot be written");
}

status<std::string> output_file::finish() {
  if (!failed() && std::fflush(file_) != 0)
    fail_with("cannot be written");
  if (!failed() && file_ != stdout) {
    const bool sync = wanted_ == durability::synced;
    if (sync && ::fsync(::fileno(file_)) != 0)
      fail_with("cannot be synced");
    if (std::fclose(std::exchange(file_, nullptr)) != 0)
      fail_with("cannot be closed");
    if (!failed() && std::rename(temporary_.c_str(), path_.c_str()) != 0)
      fail_with("cannot be put in place");
    if (!failed()) {
      temporary_.clear();
      if (sync && !sync_directory(path_))
        fail_with("is in place, but its directory cannot be synced");
    }
  }
  if (failed())
    return fail(error_);
  return {};
}

} // namespace tenbit::report
