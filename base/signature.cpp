#include "base/signature.hpp"

#include <algorithm>
#include <sodium/core.h>
#include <sodium/crypto_sign.h>
#include <sodium/utils.h>

#include "base/expected.hpp"

namespace tenbit {
namespace {

static_assert(crypto_sign_SEEDBYTES == key256::size && crypto_sign_PUBLICKEYBYTES == key256::size);
static_assert(crypto_sign_BYTES == 2 * key256::size && crypto_sign_SECRETKEYBYTES == 64);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

signing_key signing_key::make() {
  TENBIT_ASSERT(::sodium_init() >= 0);
  signing_key out;
  key256 known;
  TENBIT_ASSERT(::crypto_sign_keypair(known.bytes.data(), out.pair_.data()) == 0);
  return out;
}

signing_key signing_key::of_seed(const key256& seed) {
  TENBIT_ASSERT(::sodium_init() >= 0);
  signing_key out;
  key256 known;
  TENBIT_ASSERT(
      ::crypto_sign_seed_keypair(known.bytes.data(), out.pair_.data(), seed.bytes.data()) == 0);
  return out;
}

signing_key::~signing_key() {
  ::sodium_memzero(pair_.data(), pair_.size());
}

key256 signing_key::public_key() const {
  key256 out;
  std::copy_n(pair_.begin() + key256::size, key256::size, out.bytes.begin());
  return out;
}

key256 signing_key::seed() const {
  key256 out;
  std::copy_n(pair_.begin(), key256::size, out.bytes.begin());
  return out;
}

std::string signing_key::sign(std::string_view bytes) const {
  std::array<unsigned char, crypto_sign_BYTES> made{};
  TENBIT_ASSERT(::crypto_sign_detached(made.data(), nullptr, bytes_of(bytes), bytes.size(),
                                       pair_.data()) == 0);
  key256 half, other; // only for their digits
  std::copy_n(made.begin(), key256::size, half.bytes.begin());
  std::copy_n(made.begin() + key256::size, key256::size, other.bytes.begin());
  return half.hex() + other.hex();
}

bool signature_holds(const key256& signer, std::string_view bytes, std::string_view signature) {
  if (signature.size() != 4 * key256::size)
    return false;
  const auto half = key256::from_hex(signature.substr(0, 2 * key256::size));
  const auto other = key256::from_hex(signature.substr(2 * key256::size));
  if (!half || !other)
    return false;
  std::array<unsigned char, crypto_sign_BYTES> made{};
  std::copy_n(half->bytes.begin(), key256::size, made.begin());
  std::copy_n(other->bytes.begin(), key256::size, made.begin() + key256::size);
  return ::crypto_sign_verify_detached(made.data(), bytes_of(bytes), bytes.size(),
                                       signer.bytes.data()) == 0;
}

} // namespace tenbit
