// Ed25519 signatures (RFC 8032): who holds the secret says that these bytes are his.
//
// Values and pure functions; any thread. Only signing_key::make draws random bytes. Never fails: a
// signature that is no signature does not hold.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/hash.hpp"

namespace tenbit {

// 32 bytes, written like a hash: 64 lower-case hexadecimal digits.
using key256 = hash256;

// A pair. Its memory is wiped when it goes; copies that a caller makes of the seed are his.
class signing_key {
public:
  [[nodiscard]] static signing_key make();
  // The pair that this secret belongs to.
  [[nodiscard]] static signing_key of_seed(const key256& seed);
  signing_key(const signing_key&) = default;
  signing_key& operator=(const signing_key&) = default;
  ~signing_key();

  [[nodiscard]] key256 public_key() const;
  [[nodiscard]] key256 seed() const; // the secret
  // 128 lower-case hexadecimal digits.
  [[nodiscard]] std::string sign(std::string_view bytes) const;

private:
  signing_key() = default;
  std::array<unsigned char, 64> pair_{}; // seed, public key
};

// Of the digits that sign() gives; false for any other text.
[[nodiscard]] bool signature_holds(const key256& signer, std::string_view bytes,
                                   std::string_view signature);

} // namespace tenbit
