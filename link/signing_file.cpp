#include "link/signing_file.hpp"

#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <sodium/utils.h>
#include <unistd.h>

#include "config/limits.hpp"
#include "link/private_file.hpp"

namespace tenbit::link {
namespace {

constexpr std::string_view signing_header = "tenbit-signing-key 1\n";
constexpr std::string_view public_word = "public ";
constexpr std::string_view secret_word = "secret ";
constexpr std::size_t key_digits = 2 * key256::size;

std::string signing_path(const std::string& dir) {
  return (std::filesystem::path(dir) / "signing.key").string();
}

void wipe(std::string& text) {
  ::sodium_memzero(text.data(), text.size());
}
void wipe(key256& secret) {
  ::sodium_memzero(secret.bytes.data(), secret.bytes.size());
}

} // namespace

std::string format_signing_key(const signing_key& key) {
  key256 seed = key.seed();
  std::string digits = seed.hex();
  wipe(seed);
  std::string text = fmt::format("{}{}{}\n{}{}\n", signing_header, public_word,
                                 key.public_key().hex(), secret_word, digits);
  wipe(digits);
  return text;
}

expected<signing_key, std::string> parse_signing_key(std::string_view text) {
  if (!text.starts_with(signing_header))
    return fail<std::string>("line 1: is not \"tenbit-signing-key 1\": no signing key, or of "
                             "another version; put the right "
                             "one there, or move it away and make another with tenbit keys init");
  const std::size_t secret_at =
      signing_header.size() + public_word.size() + key_digits + 1 + secret_word.size();
  if (text.size() != secret_at + key_digits + 1)
    return fail<std::string>("has not the length of a signing key");
  auto seed = key256::from_hex(text.substr(secret_at, key_digits));
  if (!seed)
    return fail<std::string>("line 3: expected \"secret \" and 64 hexadecimal digits");
  auto key = signing_key::of_seed(*seed);
  wipe(*seed);
  std::string written = format_signing_key(key);
  const bool same = written == text;
  wipe(written);
  if (!same)
    return fail<std::string>("its public key is not that of its secret key, or a line is not as it "
                             "was written");
  return key;
}

expected<key256, std::string> init_signing_key_locked(const std::string& dir) {
  const auto there = read_signing_key(dir);
  if (!there)
    return fail(there.error());
  if (*there)
    return (*there)->public_key();
  const auto made = signing_key::make();
  std::string text = format_signing_key(made);
  const auto written = write_private(signing_path(dir), text, existing::keep_and_fail);
  wipe(text);
  if (!written)
    return fail(written.error());
  return made.public_key();
}

expected<key256, std::string> init_signing_key(const std::string& dir) {
  const auto lock = folder_lock::take(dir);
  if (!lock)
    return fail(lock.error());
  return init_signing_key_locked(dir);
}

expected<std::optional<signing_key>, std::string> read_signing_key(const std::string& dir) {
  const std::string path = signing_path(dir);
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
    return std::optional<signing_key>{};
  auto text = read_private(path, limits::key_file_bytes_max, others::may_nothing);
  if (!text)
    return fail(text.error());
  auto key = parse_signing_key(*text);
  wipe(*text);
  if (!key)
    return fail(fmt::format("{}: {}", path, key.error()));
  return std::optional(std::move(*key));
}

} // namespace tenbit::link
