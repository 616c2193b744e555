// SPDX-License-Identifier: Apache-2.0
#include "net/codec/protocol.hpp"

#include "net/codec/client_frame_decoder.hpp"
#include "net/codec/json_reader.hpp"
#include "net/codec/msgpack_reader.hpp"

namespace stentor::net {

namespace {

template <class Reader>
caf::error check_one(Reader &&r) {
  std::string_view raw;
  if (r.skip(raw) && r.finish())
    return caf::none;
  const auto &failure = r.failure();
  return make_error(failure.code, std::string{failure.text} + ", at byte " + std::to_string(failure.offset));
}

} // namespace

struct codec::state {
  std::string scratch;
};

codec::codec() : state_{std::make_unique<state>()} {}
codec::~codec() = default;

bool codec::decode(format f, std::span<const char> bytes, client_frame &out, frame_refusal &why) {
  out = {};
  why.has_id = why.unparsable = false;
  switch (f) {
  case format::json: {
    json_reader r{bytes, state_->scratch};
    return client_frame_decoder<json_reader>{r, out, why}.run();
  }
  case format::msgpack: {
    msgpack_reader r{bytes};
    return client_frame_decoder<msgpack_reader>{r, out, why}.run();
  }
  }
  return false;
}

caf::error codec::check(format f, std::span<const char> bytes) {
  if (f == format::json)
    return check_one(json_reader{bytes, state_->scratch});
  return check_one(msgpack_reader{bytes});
}

std::string_view code_name(errc code) noexcept {
  switch (code) {
  case errc::none:
    return "none";
  case errc::invalid_id:
    return "invalid_id";
  case errc::malformed:
    return "malformed";
  case errc::too_deep:
    return "too_deep";
  case errc::too_large:
    return "too_large";
  case errc::not_representable:
    return "not_representable";
  case errc::token_refused:
    return "token_refused";
  case errc::fenced:
    return "fenced";
  case errc::superseded:
    return "superseded";
  case errc::not_found:
    return "not_found";
  case errc::overloaded:
    return "overloaded";
  case errc::timed_out:
    return "timed_out";
  case errc::unavailable:
    return "unavailable";
  case errc::io:
    return "io";
  case errc::config:
    return "config";
  case errc::lease_held:
    return "lease_held";
  case errc::stale:
    return "stale";
  }
  return "none";
}

} // namespace stentor::net
