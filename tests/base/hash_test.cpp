#include "base/hash.hpp"

#include <gtest/gtest.h>

namespace tenbit {

// RFC 7693 gives BLAKE2b-512; this 256-bit value of "abc" is the one b2sum -l 256 prints.
TEST(Hash_Bytes, Abc_IsTheKnownValue) {
  EXPECT_EQ(hash_bytes("abc").hex(),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Hasher_Fields, MovedBoundary_GivesAnotherHash) {
  EXPECT_NE(hasher("t").field("ab").field("c").finish(), hasher("t").field("a").field("bc").finish());
  EXPECT_NE(hasher("t").field("").finish(), hasher("t").finish());
}

TEST(Hash256_Hex, RoundTrip_IsEqual) {
  const auto hash = hash_bytes("x");
  EXPECT_EQ(hash256::from_hex(hash.hex()), hash);
  EXPECT_FALSE(hash256::from_hex("zz"));
  EXPECT_FALSE(hash256::from_hex(std::string(64, 'g')));
}

} // namespace tenbit
