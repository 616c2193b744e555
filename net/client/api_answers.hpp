// SPDX-License-Identifier: Apache-2.0
// What stentorctl's commands for the back-end API share: one request, and its response, checked as untrusted
// input. Internal to the commands.
#pragma once

#include "net/client/blocking.hpp"
#include "net/client/commands.hpp"

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace stentor::net::client {

using nlohmann::json;

/// Answers come from the network: a member may be missing or of any type. Lists and objects count as missing,
/// and nothing that may nest is ever written out again: that would take a stack as deep as the answer.
std::string text_at(const json &x, const char *name);
/// A discarded value where it is no JSON.
json parsed(std::string_view text);
/// An empty list where there is none.
const json &list_at(const json &x, const char *name);

struct answered {
  http_response response;
  exit_code failure = exit_code::good; ///< else it has been told, and there is no response
};
answered ask(console &io, const api_options &api, http_request request);

/// What an answer that is no verdict means for a message or a question.
exit_code refusal(console &io, const http_response &x);
/// The body as one line of JSON.
void print_json(console &io, const http_response &x);

} // namespace stentor::net::client
