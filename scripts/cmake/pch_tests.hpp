// Precompiled for the tests of cluster/, storage/ and net/, and for the benchmark's: GoogleTest, CAF's
// vocabulary and the standard headers most of them use.
#include <gtest/gtest.h>

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/meta/type_name.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>
