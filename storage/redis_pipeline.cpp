// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_pipeline.hpp"

#include <charconv>

namespace stentor::storage {

namespace {

void number_line(std::string &out, char mark, size_t value) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.push_back(mark);
  out.append(digits, end);
  out += "\r\n";
}

} // namespace

const redis_reply &redis_reply::at(size_t index) const noexcept {
  static const redis_reply none;
  return index < elements.size() ? elements[index] : none;
}

void redis_pipeline::word(std::string_view text) {
  number_line(bytes_, '$', text.size());
  bytes_ += text;
  bytes_ += "\r\n";
}

void redis_pipeline::add(std::span<const std::string_view> words) {
  number_line(bytes_, '*', words.size());
  for (auto x : words)
    word(x);
  ends_.push_back(bytes_.size());
}

void redis_pipeline::eval(std::string_view sha, std::span<const std::string> keys,
                          std::span<const std::string> arguments) {
  number_line(bytes_, '*', 3 + keys.size() + arguments.size());
  word("EVALSHA");
  word(sha);
  word(std::to_string(keys.size()));
  for (auto &x : keys)
    word(x);
  for (auto &x : arguments)
    word(x);
  ends_.push_back(bytes_.size());
}

std::string_view redis_pipeline::command(size_t index) const noexcept {
  auto begin = index == 0 ? 0 : ends_[index - 1];
  return bytes().substr(begin, ends_[index] - begin);
}

void redis_pipeline::add_encoded(std::string_view command) {
  bytes_ += command;
  ends_.push_back(bytes_.size());
}

} // namespace stentor::storage
