// Precompiled for cluster/: CAF's vocabulary and the standard headers most of its files use.
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/meta/type_name.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>
