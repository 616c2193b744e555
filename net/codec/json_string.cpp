// SPDX-License-Identifier: Apache-2.0
#include "net/codec/json_string.hpp"

#include "cluster/percent.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

void append_utf8(std::string &out, uint32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

void append_escape(std::string &out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    out += "\\u00";
    out += digits[static_cast<size_t>(c) >> 4];
    out += digits[static_cast<size_t>(c) & 0x0f];
  }
}

} // namespace

int hex4(const char *p) noexcept {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = hex_digit(p[i]);
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

void append_unescaped(std::string &out, std::string_view inner) {
  for (size_t i = 0; i < inner.size();) {
    auto run = std::min(inner.find('\\', i), inner.size());
    out.append(inner, i, run - i);
    i = run;
    if (i == inner.size())
      break;
    auto c = inner[i + 1];
    i += 2;
    switch (c) {
    case 'b':
      out.push_back('\b');
      break;
    case 'f':
      out.push_back('\f');
      break;
    case 'n':
      out.push_back('\n');
      break;
    case 'r':
      out.push_back('\r');
      break;
    case 't':
      out.push_back('\t');
      break;
    case 'u': {
      auto code = static_cast<uint32_t>(hex4(inner.data() + i));
      i += 4;
      if (is_high_surrogate(static_cast<int>(code))) {
        auto low = static_cast<uint32_t>(hex4(inner.data() + i + 2));
        i += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      append_utf8(out, code);
      break;
    }
    default:
      out.push_back(c);
    }
  }
}

void append_json_string(std::string &out, std::string_view text) {
  auto p = text.data();
  auto end = p + text.size();
  auto unused = false;
  out.push_back('"');
  for (;;) {
    auto stop = plain_run(p, end, unused);
    out.append(p, stop);
    if (stop == end)
      break;
    append_escape(out, *stop);
    p = stop + 1;
  }
  out.push_back('"');
}

} // namespace stentor::net
