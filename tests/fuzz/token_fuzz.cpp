// SPDX-License-Identifier: Apache-2.0
// Tokens from the outside: the input as a token, and, since no fuzzer finds a signature, the input as header
// and claims of a token signed with the right key.
#include "tests/net/token_keys.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace stentor::net;
  static const auto verifier = test::make_verifier();
  std::string_view input{reinterpret_cast<const char *>(data), size};
  const char *why = nullptr;
  if (verifier->verify(input, test::now_s, why))
    std::abort(); // somebody signed without a key
  auto split = input.find('\n');
  auto text = split == input.npos ? test::with_claims(input)
                                  : test::hs_token(input.substr(0, split), input.substr(split + 1));
  auto claims = verifier->verify(text, test::now_s, why);
  if (claims && (!stentor::is_valid_id(claims->device.str()) ||
                 !stentor::is_valid_id(claims->account.str()) || claims->expires_s <= test::now_s))
    std::abort();
  return 0;
}
