#include "base/signature.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tenbit {

// RFC 8032, section 7.1, tests 1 and 2.
TEST(Signature, OfKnownSecrets_IsTheStandards) {
  const auto empty = signing_key::of_seed(
      *key256::from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(empty.public_key().hex(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(empty.sign(""), "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const auto one = signing_key::of_seed(
      *key256::from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(one.public_key().hex(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(one.sign("\x72"), "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Signature, OfAMadeKey_HoldsForItAlone) {
  const auto key = signing_key::make();
  const auto other = signing_key::make();
  EXPECT_NE(key.public_key(), other.public_key());
  EXPECT_EQ(signing_key::of_seed(key.seed()).public_key(), key.public_key());
  const std::string made = key.sign("a");
  EXPECT_TRUE(signature_holds(key.public_key(), "a", made));
  EXPECT_FALSE(signature_holds(key.public_key(), "b", made));
  EXPECT_FALSE(signature_holds(other.public_key(), "a", made));
  EXPECT_FALSE(signature_holds(key.public_key(), "a", made + "0"));
  EXPECT_FALSE(signature_holds(key256{}, "a", made));
}

RC_GTEST_PROP(Signature, AnyText_HoldsForNothing, (const std::string& text)) {
  RC_ASSERT(!signature_holds(signing_key::of_seed(key256{}).public_key(), "a", text));
}

} // namespace tenbit
