// SPDX-License-Identifier: Apache-2.0
#include "cluster/verdict.hpp"

#include <array>

namespace stentor {

namespace {

constexpr std::array<std::string_view, verdict_count> verdict_names{
    "written", "acked",   "stored",    "offline",   "refused",    "limited",
    "invalid", "expired", "congested", "duplicate", "unreachable"};
constexpr std::array<std::string_view, want_count> want_names{"written", "acked", "errors", "none"};
constexpr std::array<std::string_view, stage_count> stage_names{"accepted", "directory", "sent", "session",
                                                                "written"};
constexpr std::array known_details{
    details::in_progress,      details::other_body,       details::other_account,     details::too_many_keys,
    details::too_many_pending, details::too_many_unacked, details::not_representable, details::too_large,
    details::too_slow,         details::connecting};

template <class Enum, size_t N>
std::optional<Enum> find(const std::array<std::string_view, N> &names, std::string_view text) noexcept {
  for (size_t i = 0; i < N; ++i)
    if (names[i] == text)
      return static_cast<Enum>(i);
  return std::nullopt;
}

} // namespace

std::string_view to_string(verdict x) noexcept {
  return verdict_names[static_cast<size_t>(x)];
}
std::string_view to_string(want x) noexcept {
  return want_names[static_cast<size_t>(x)];
}
std::string_view to_string(stage x) noexcept {
  return stage_names[static_cast<size_t>(x)];
}
std::optional<want> want_from(std::string_view text) noexcept {
  return find<want>(want_names, text);
}
std::optional<verdict> verdict_from(std::string_view text) noexcept {
  return find<verdict>(verdict_names, text);
}

const char *known_detail(std::string_view text) noexcept {
  for (auto *detail : known_details)
    if (detail == text)
      return detail;
  return nullptr;
}

bool is_wanted(want w, verdict v) noexcept {
  switch (w) {
  case want::written:
  case want::acked:
    return true;
  case want::errors:
    return v != verdict::written && v != verdict::acked;
  case want::none:
    return false;
  }
  return true;
}

int http_status(verdict v) noexcept {
  switch (v) {
  case verdict::written:
  case verdict::acked:
  case verdict::duplicate:
    return 200;
  case verdict::stored:
    return 202;
  case verdict::offline:
    return 404;
  case verdict::refused:
    return 403;
  case verdict::limited:
    return 429;
  case verdict::invalid:
    return 400;
  case verdict::expired:
    return 410;
  case verdict::congested:
    return 503;
  case verdict::unreachable:
    return 504;
  }
  return 500;
}

bool is_certain_loss(verdict v) noexcept {
  switch (v) {
  case verdict::offline:
  case verdict::refused:
  case verdict::limited:
  case verdict::invalid:
  case verdict::expired:
  case verdict::congested:
    return true;
  case verdict::written:
  case verdict::acked:
  case verdict::stored:
  case verdict::duplicate:
  case verdict::unreachable:
    return false;
  }
  return false;
}

} // namespace stentor
