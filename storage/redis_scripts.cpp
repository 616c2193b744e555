// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_scripts.hpp"

namespace stentor::storage {

namespace {

// A record's value is "epoch holder account": the epoch in hex, the holder opaque but for the sweep. Every
// script that writes for a node gets its lease's end and refuses once that has passed. A `clock` argument is
// empty, or a test's clock. Numbers are doubles: microseconds since 1970 are exact in them until the year
// 2255. Bind and restore also answer the highest epoch given before, for the account's index.

#define STENTOR_CLOCK                                                                                        \
  "local function clock(x) if x ~= '' then return tonumber(x) end local t = redis.call('TIME') "             \
  "return t[1] * 1000000 + t[2] end\n"

constexpr std::string_view bind = STENTOR_CLOCK R"(
local now = clock(ARGV[7])
if now >= tonumber(ARGV[5]) then return {'fenced'} end
local old = redis.call('HGET', KEYS[1], ARGV[1])
local e, holder, account = string.match(old or '', '^(%x+) (%S+) (%S+)$')
local highest = redis.call('GET', KEYS[2]) or '0'
local epoch = math.max(now, tonumber(ARGV[4], 16) + 1, tonumber(highest, 16) + 1)
if e then
  if holder == ARGV[2] then return {'bound', e, '', highest} end
  if ARGV[8] ~= '0' and tonumber(e, 16) > tonumber(ARGV[8]) then return {'stale'} end
  epoch = math.max(epoch, tonumber(e, 16) + 1)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'k', 'f', 'd', ARGV[1], 'a', account, 'e', e)
elseif not old then -- else a text that no script wrote, which was counted as a record when it was one
  redis.call('INCR', KEYS[4])
end
local hex = string.format('%x', epoch)
redis.call('HSET', KEYS[1], ARGV[1], hex .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
redis.call('SET', KEYS[2], hex)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'k', 'n', 'd', ARGV[1], 'a', ARGV[3], 'e', hex)
return {'bound', hex, e and old or '', highest}
)";

constexpr std::string_view restore = STENTOR_CLOCK R"(
local now = clock(ARGV[7])
if now >= tonumber(ARGV[5]) then return {'fenced'} end
local epoch = ARGV[4]
local highest = redis.call('GET', KEYS[2]) or '0'
if ARGV[8] == '1' then
  epoch = string.format('%x', math.max(now, tonumber(epoch, 16) + 1, tonumber(highest, 16) + 1))
end
local old = redis.call('HGET', KEYS[1], ARGV[1])
local e, holder, account = string.match(old or '', '^(%x+) (%S+) (%S+)$')
if e then
  if e == ARGV[4] and holder == ARGV[2] then return {'restored', '', highest, e} end
  if tonumber(e, 16) >= tonumber(ARGV[4], 16) then return {'held', old} end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'k', 'f', 'd', ARGV[1], 'a', account, 'e', e)
elseif not old then -- else a text that no script wrote, which was counted as a record when it was one
  redis.call('INCR', KEYS[4])
end
redis.call('HSET', KEYS[1], ARGV[1], epoch .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
if tonumber(highest, 16) < tonumber(epoch, 16) then redis.call('SET', KEYS[2], epoch) end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'k', 'n', 'd', ARGV[1], 'a', ARGV[3], 'e', epoch)
return {'restored', e and old or '', highest, epoch}
)";

constexpr std::string_view unbind = STENTOR_CLOCK R"(
if clock(ARGV[5]) >= tonumber(ARGV[3]) then return {'fenced'} end
local old = redis.call('HGET', KEYS[1], ARGV[1])
local e, holder, account = string.match(old or '', '^(%x+) (%S+) (%S+)$')
if e ~= ARGV[2] then return {'kept'} end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DECR', KEYS[3])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'k', 'f', 'd', ARGV[1], 'a', account, 'e', e)
return {'removed', old}
)";

// The account's index: device -> a number that never goes down, in decimal because Redis packs that into 8
// bytes. What the numbers are for stands in docs/directory.md.
#define STENTOR_INDEXED                                                                                      \
  "local function indexed() return redis.call('HGET', KEYS[1], ARGV[1]) end\n"                               \
  "local function index(x) x = string.format('%.0f', x) redis.call('HSET', KEYS[1], ARGV[1], x) return x "   \
  "end\n"

// Before a record; answers the number, 0 where the lease is past.
constexpr std::string_view index_add = STENTOR_CLOCK STENTOR_INDEXED R"(
local now = clock(ARGV[3])
if now >= tonumber(ARGV[2]) then return '0' end
return index(math.max(now, (tonumber(indexed() or '0') or 0) + 1))
)";

// Behind a record that another one of its partition may have overtaken.
constexpr std::string_view index_raise = STENTOR_INDEXED R"(
if (tonumber(indexed() or '0') or 0) < tonumber(ARGV[2]) then index(tonumber(ARGV[2])) end
return 1
)";

// Behind the removal of a record of this epoch. Right however late it comes. Answers a newer number that
// stays.
constexpr std::string_view index_drop = STENTOR_INDEXED R"(
local number = indexed()
if not number then return '0' end
if (tonumber(number) or 0) > tonumber(ARGV[2]) then return number end
redis.call('HDEL', KEYS[1], ARGV[1])
return '0'
)";

// For a reader that found no record at ARGV[4] less 5 s: no record is under way behind an entry that old.
constexpr std::string_view index_repair = STENTOR_CLOCK STENTOR_INDEXED R"(
local now = clock(ARGV[5])
if indexed() ~= ARGV[2] or now < (tonumber(ARGV[2]) or 0) + ARGV[3] or now >= tonumber(ARGV[4]) then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
)";

// KEYS from the third on: the records of slots of one partition.
constexpr std::string_view sweep = R"(
local left = tonumber(ARGV[2])
local removed = {}
local mark = ' ' .. ARGV[1] .. '.'
for k = 3, #KEYS do
  local all = redis.call('HGETALL', KEYS[k])
  for i = 1, #all, 2 do
    if left == 0 then return removed end
    local e, holder, account, inc, node
    if string.find(all[i + 1], mark, 1, true) then
      e, holder, account = string.match(all[i + 1], '^(%x+) (%S+) (%S+)$')
      inc, node = string.match(holder or '', '^([%w_-]+)%.[%w_-]+%.[%w_-]+%.[%w_-]+%.(.*)$')
    end
    if inc == ARGV[1] and node == ARGV[3] then
      redis.call('HDEL', KEYS[k], all[i])
      redis.call('DECR', KEYS[2])
      redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'k', 'f', 'd', all[i], 'a', account, 'e', e)
      removed[#removed + 1] = all[i]
      removed[#removed + 1] = all[i + 1]
      left = left - 1
    end
  end
end
return removed
)";

// A lease is "until dead swept draining address" under "node incarnation". ARGV from 8 on: the words that the
// renewal before has got, device and epoch; only those go, so that a lost answer loses none.
constexpr std::string_view renew = STENTOR_CLOCK R"(
local now = clock(ARGV[7])
local mine = ARGV[1] .. ' ' .. ARGV[2]
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local until_, dead, swept = string.match(all[i + 1], '^(%d+) (%d) (%d)')
  if all[i] == mine then
    if dead == '1' then return {'dead'} end
  elseif until_ and dead == '0' and now < tonumber(until_) and string.match(all[i], '^%S+') == ARGV[1] then
    return {'held'}
  end
  if until_ and dead == '1' and swept == '1' and tonumber(until_) + 86400000000 < now then
    redis.call('HDEL', KEYS[1], all[i])
  end
end
local until_ = now + ARGV[3]
-- A full Redis refuses a script's first write where it may take memory, and no later one: leases must continue.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], mine, string.format('%.0f', until_) .. ' 0 0 ' .. ARGV[4] .. ' ' .. ARGV[5])
for i = 8, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[2], ARGV[i]) end
end
local words, some = redis.call('HGETALL', KEYS[2]), {}
for i = 1, math.min(#words, 2 * tonumber(ARGV[6])) do some[i] = words[i] end
return {'renewed', string.format('%.0f', now), string.format('%.0f', until_), redis.call('HGETALL', KEYS[1]), some}
)";

// Declares dead; ARGV[2] is 1 where a lease that still runs may be ended (the node's own).
constexpr std::string_view bury = STENTOR_CLOCK R"(
local now = clock(ARGV[3])
local old = redis.call('HGET', KEYS[1], ARGV[1])
local until_, draining, address = string.format('%.0f', now), '0', ''
if old then
  local u, dead, swept, d, a = string.match(old, '^(%d+) (%d) (%d) (%d) (.*)$')
  if dead == '1' then return 'was' end
  if ARGV[2] == '0' and now < tonumber(u) then return 'held' end
  until_, draining, address = u, d, a
end
redis.call('HSET', KEYS[1], ARGV[1], until_ .. ' 1 0 ' .. draining .. ' ' .. address)
redis.call('DEL', KEYS[2])
return 'done'
)";

// A sweep found no more: final once nothing of that lease can land any more, 1 s after its end.
constexpr std::string_view swept = STENTOR_CLOCK R"(
local now = clock(ARGV[2])
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old then return 0 end
local u, dead, rest = string.match(old, '^(%d+) (%d) %d (.*)$')
if dead ~= '1' or now < tonumber(u) + 1000000 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], u .. ' 1 1 ' .. rest)
return 1
)";

constexpr std::string_view notify = R"(
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and string.match(old, '^%d+ (%d)') == '1' then return 1 end
local fresh = 0
for i = 3, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then fresh = fresh + 1 end
end
if redis.call('HLEN', KEYS[2]) + fresh > tonumber(ARGV[2]) then return 0 end
for i = 3, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[2], ARGV[i])
  if not known or tonumber(known, 16) < tonumber(ARGV[i + 1], 16) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[2], 3600)
return 1
)";

} // namespace

const std::array<std::string_view, 12> redis_scripts{bind,        restore,    unbind,       index_add,
                                                     index_raise, index_drop, index_repair, sweep,
                                                     renew,       bury,       swept,        notify};

} // namespace stentor::storage
