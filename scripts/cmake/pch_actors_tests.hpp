// Precompiled for the tests of actors/: what actors/ has precompiled, and GoogleTest.
#include "scripts/cmake/pch_actors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
