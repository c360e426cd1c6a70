// The bearer token's file.
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "control/http_guard.hpp"

namespace tenbit::control {
namespace {

expected<std::string, std::string> make_token(const std::string& path) {
  hash256 secret;
  randombytes_buf(secret.bytes.data(), secret.bytes.size());
  const auto token = secret.hex();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fail(fmt::format("cannot make the token file {}: {}", path, std::strerror(errno)));
  const auto line = token + "\n";
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  ::close(fd);
  if (written)
    return token;
  ::unlink(path.c_str()); // half a token would be refused at the next start
  return fail(fmt::format("cannot write the token file {}: {}", path, why));
}

std::string read_some(int fd) {
  char bytes[256];
  const auto got = ::read(fd, bytes, sizeof bytes);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

} // namespace

expected<std::string, std::string> load_token(const std::string& path) {
  if (::sodium_init() < 0)
    return fail(std::string("libsodium does not start: no random numbers here"));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT)
    return make_token(path);
  if (fd < 0)
    return fail(fmt::format("cannot read the token file {}: {}", path, std::strerror(errno)));
  struct stat file {};
  const bool known = ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  const auto text = known ? read_some(fd) : std::string();
  ::close(fd);
  if (!known)
    return fail(fmt::format("the token file {} is no file", path));
  if (file.st_uid != ::geteuid() && file.st_uid != 0)
    return fail(fmt::format("the token file {} belongs to another user; remove it", path));
  if ((file.st_mode & 077) != 0)
    return fail(
        fmt::format("others may read the token file {}; remove it, and a new one is made", path));
  const auto token = hash256::from_hex(trim(text));
  if (!token)
    return fail(fmt::format("the token file {} does not hold 64 hexadecimal digits; remove it, and "
                            "a new one is made",
                            path));
  return token->hex();
}

} // namespace tenbit::control
