// SPDX-License-Identifier: Apache-2.0
// The Redis directory under the contract that every directory must keep, on a real server.
#include "storage/redis_directory.hpp"

#include "tests/storage/directory_contract.hpp"
#include "tests/storage/directory_schedule.hpp"
#include "tests/storage/membership_contract.hpp"
#include "tests/storage/redis_directory_fixture.hpp"

namespace stentor::storage::test {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, membership_contract, redis_provider);
INSTANTIATE_TYPED_TEST_SUITE_P(redis, directory_schedule, redis_provider);

} // namespace
} // namespace stentor::storage::test
