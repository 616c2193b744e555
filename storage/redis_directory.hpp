#pragma once
#include "storage/directory.hpp"
#include "storage/redis_url.hpp"
#include <memory>
namespace stentor::storage {
struct redis_options { redis_url where; std::chrono::milliseconds command_timeout{3000}; };
inline caf::expected<std::unique_ptr<directory>> make_redis_directory(const redis_options &) { return make_error(errc::config, "not here"); }
}
