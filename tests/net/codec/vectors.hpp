// SPDX-License-Identifier: Apache-2.0
// The golden vectors of tests/net/codec/vectors/, and input without a byte behind it. Test code only.
#pragma once

#include "cluster/envelope.hpp"
#include "cluster/errc.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stentor::test {

/// A copy on the heap with nothing behind it, so that the address sanitizer sees a read past its end.
class exact {
public:
  explicit exact(std::string_view text) : bytes_{new char[text.size()]}, size_{text.size()} {
    std::copy(text.begin(), text.end(), bytes_.get());
  }
  operator std::span<const char>() const { return {bytes_.get(), size_}; }
  operator std::string_view() const { return {bytes_.get(), size_}; }

private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

inline std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return out;
}

inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (auto c : bytes) {
    out.push_back(digits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(digits[static_cast<uint8_t>(c) & 0x0f]);
  }
  return out;
}

/// All vectors of one file; never empty.
inline nlohmann::json load_vectors(const std::string &name) {
  std::ifstream file{STENTOR_SOURCE_DIR "/tests/net/codec/vectors/" + name + ".json"};
  auto vectors = nlohmann::json::parse(file, nullptr, false);
  EXPECT_TRUE(vectors.is_array() && !vectors.empty()) << name;
  return vectors;
}

inline const char *name_of(format f) {
  return f == format::json ? "json" : "msgpack";
}

/// The vector's form in `f` as bytes; it may have only one of them.
inline bool has_form(const nlohmann::json &vector, format f) {
  return vector.contains(name_of(f));
}
inline std::string form(const nlohmann::json &vector, format f) {
  auto text = vector.at(name_of(f)).get<std::string>();
  return f == format::json ? text : from_hex(text);
}

/// For messages: bytes as they are in JSON, as hexadecimal digits in MessagePack.
inline std::string shown(std::string_view bytes, format f) {
  return f == format::json ? std::string{bytes} : to_hex(bytes);
}

inline constexpr format both_formats[] = {format::json, format::msgpack};

} // namespace stentor::test
