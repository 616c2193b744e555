// Precompiled for actors/ and its tests: all of CAF, which costs about seven seconds a file otherwise.
#include <utility>

#include <caf/all.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
