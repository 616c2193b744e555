// SPDX-License-Identifier: Apache-2.0
// The oracle's rules about who is connected where: each connection's epoch and end, what watchers were told of it, and
// the records that nodes showed when all was quiet. Pure.

/** Ends that a device which does nothing wrong may see; 1006 is no close frame at all. */
const fairCodes = new Set([1000, 1001, 1006, 4000, 4001, 4002, 4003, 4100]);
const registerMs = 1000; // from the answer to `watch` until every event is certain to be seen
const redisFaults = ['redis-kill', 'redis-pause', 'redis-slow'];
const promptMs = 3000; // an event's way where nothing went wrong for `calmMs` before
const calmMs = 20_000;
const restoreMs = 15_000; // after an empty Redis is back until all devices are in it again
// After an empty Redis is back until each watcher has its resync: the next renewal and one list, some 2 s. Well below the
// 15 s in which nothing else goes wrong.
const resyncMs = 8000;

/** `offlineWithinMs`: from a connection's end, of whatever kind, to its `offline`. */
export function judgePresence(court, { offlineWithinMs = 15_000 } = {}) {
  Object.assign(court.counts, { binds: 0, online: 0, offline: 0, resync: 0, watches: 0, restoredBelow: 0, audited: 0, disagreements: 0 });
  for (const [device, log] of Object.entries(court.journal.devices)) {
    connections(court, device, log);
    for (const connection of log.connections) if (connection.watchedAt) watch(court, device, log, connection, offlineWithinMs);
  }
  balance(court);
  for (const audit of court.journal.audits) record(court, audit);
}

// -- connections ----

function connections(court, device, log) {
  for (const x of log.connections) {
    if (x.welcomedAt !== undefined) ++court.counts.binds;
    if (x.code !== undefined && !fairCodes.has(x.code))
      court.blame('close code', `${device} was closed with ${x.code}, and did nothing to deserve it`, { device, at: x.endedAt });
    const another = log.connections.some((y) => y.c > x.c && y.startedAt <= x.endedAt);
    if (x.code === 4100 && !another)
      court.blame('superseded by nobody', `${device} was closed with 4100 without having connected again`, { device, at: x.endedAt });
  }
}

// -- events ----

/** What one watch saw of each (device, epoch); a new one begins where Redis lost everything. */
function watch(court, watcher, log, connection, offlineWithinMs) {
  ++court.counts.watches;
  const { journal, evidence } = court;
  const end = Math.min(connection.endedAt ?? Infinity, evidence.endedAt);
  const emptied = evidence.during(['redis-kill'], connection.watchedAt, end);
  const events = log.events.filter((x) => x.c === connection.c && x.kind !== 'snapshot');
  const resyncs = events.filter((x) => x.kind === 'resync').length;
  court.counts.resync += resyncs;
  if (resyncs > emptied.length)
    court.blame('resync', `${watcher} got ${resyncs} resyncs while Redis was emptied ${emptied.length} times`, { device: watcher });
  resynced(court, watcher, connection, events, emptied);
  let seen = new Map(); // device -> Map(epoch -> {online, offline})
  let since = connection.watchedAt;
  let newest = new Map(); // device -> highest epoch online
  const losses = emptied.map((x) => x.from);
  for (const { at, kind, device, epoch } of events) {
    if (kind === 'resync' || (losses.length > 0 && at > losses[0])) {
      if (losses.length > 0 && at > losses[0]) losses.shift();
      [seen, newest, since] = [new Map(), new Map(), at + restoreMs];
    }
    if (kind === 'resync') continue;
    if (!seen.has(device)) seen.set(device, new Map());
    const of = seen.get(device);
    if (!of.has(epoch)) of.set(epoch, { online: 0, offline: 0 });
    const counted = of.get(epoch);
    ++counted[kind];
    const about = { device, epoch, at, watcher };
    const blame = (rule, text) => court.blame(rule, `${watcher} (connection ${connection.c}): ${text} ${device} epoch ${epoch}`, about);
    if (counted[kind] > 1) blame('event twice', `${kind} ${counted[kind]} times of`);
    if (kind === 'online' && counted.offline > 0) blame('event order', 'offline before online of');
    if (kind === 'online' && epoch < (newest.get(device) ?? 0)) {
      if (emptied.length > 0 && at < since && wasOpen(journal.devices[device], epoch, at)) ++court.counts.restoredBelow;
      else blame('event order', 'online below a later one of');
    }
    if (kind === 'online') newest.set(device, Math.max(epoch, newest.get(device) ?? 0));
    if (kind === 'offline' && counted.online === 0 && epoch / 1000 > since + registerMs) blame('offline without online', 'no online before the offline of');
  }
  complete(court, { watcher, account: log.account, connection, seen, since, end, offlineWithinMs });
}

/** Whoever watched before Redis was emptied, and went on to, was told so, unless its node had troubles of its own. */
function resynced(court, watcher, connection, events, emptied) {
  const { evidence, slackMs } = court;
  for (const loss of emptied) {
    const by = loss.to + resyncMs + slackMs; // NaN, and nothing is owed, where it never came back
    if (!(connection.watchedAt + registerMs < loss.from && by < Math.min(connection.endedAt ?? Infinity, evidence.endedAt))) continue;
    const others = evidence.during(['freeze', 'isolate', 'redis-cut', ...redisFaults], loss.from - 2000, by).filter((x) => x !== loss);
    if (others.some((x) => x.node === undefined || x.node === connection.node)) continue;
    if (events.some((x) => x.kind === 'resync' && x.at >= loss.from && x.at <= by)) continue;
    court.blame('resync', `${watcher} (connection ${connection.c}) got none by ${by - loss.to} ms after Redis was back empty`, { device: watcher, at: by });
  }
}

/**
 * An empty Redis forgets who superseded whom: a device that connected twice meanwhile, and lost the later connection
 * before the earlier one was put back, is online by the earlier one, which is true.
 */
function wasOpen(log, epoch, at) {
  return log.connections.some((x) => x.welcomedAt !== undefined && begunAs(x, epoch) && (x.endedAt ?? Infinity) > at - promptMs);
}

const begunAs = (x, epoch) => epoch / 1000 >= x.startedAt - 5 && epoch / 1000 <= (x.welcomedAt ?? Infinity) + 5;

/** Each bind within the watch was told, and each end that is old enough. */
function complete(court, { watcher, account, connection, seen, since, end, offlineWithinMs }) {
  const { journal, evidence } = court;
  const troubled = (from) => evidence.during(redisFaults, from - 5000, from + restoreMs).length > 0;
  const waitFor = (at) => (evidence.journal.faults.some((x) => x.from < at + promptMs && (x.to ?? Infinity) > at - calmMs) ? offlineWithinMs : promptMs);
  const frozen = evidence.silenced(connection.node, connection.watchedAt, end);
  for (const [device, log] of Object.entries(journal.devices)) {
    if (log.account !== account) continue;
    const epochs = [...(seen.get(device) ?? [])].sort(([a], [b]) => a - b);
    for (const x of log.connections) {
      if (x.welcomedAt === undefined) continue;
      const about = { device, watcher, at: x.startedAt };
      const told = (kind) => epochs.some(([epoch, counted]) => counted[kind] > 0 && begunAs(x, epoch));
      const cameIn = x.startedAt > since + registerMs && x.welcomedAt + waitFor(x.welcomedAt) < end;
      if (cameIn && !told('online') && !frozen && !troubled(x.welcomedAt))
        court.blame('online missing', `${watcher} was never told of ${device}'s connection ${x.c} to ${x.node}`, about);
      // Also of what was connected when the watch began.
      const wentIn = !evidence.isOpen(x) && x.endedAt > since + registerMs && x.endedAt + waitFor(x.endedAt) < end;
      if (wentIn && !told('offline') && !frozen && !troubled(x.endedAt))
        court.blame('offline missing', `${watcher} was not told that ${device}'s connection ${x.c} to ${x.node} ended`, about);
    }
    // Whatever was bound, if only for a device that gave up: at the end only what is open may be online.
    if (!evidence.isOpen(connection)) continue;
    const open = log.connections.filter((x) => evidence.isOpen(x));
    for (const [epoch, { online, offline }] of epochs) {
      const held = open.some((x) => begunAs(x, epoch));
      if (online > offline && !held)
        court.blame('offline missing', `to the end ${watcher} was not told that ${device} epoch ${epoch} went`, { device, watcher, epoch });
    }
  }
}

/** Distinct (device, epoch) over all watchers, for the summary. */
function balance(court) {
  const distinct = { online: new Set(), offline: new Set() };
  for (const { events } of Object.values(court.journal.devices))
    for (const { kind, device, epoch } of events) distinct[kind]?.add(`${device} ${epoch}`);
  court.counts.online = distinct.online.size;
  court.counts.offline = distinct.offline.size;
}

// -- records ----

/** `answer`: {node, epoch} or null, or {status} where the node could not say; `truth`: {node, c} or null. */
function record(court, { at, round, asked, device, answer, truth }) {
  ++court.counts.audited;
  const right = answer === null || truth === null ? answer === truth : answer.node === truth.node && isEpochOf(court, device, answer, truth);
  if (right) return;
  ++court.counts.disagreements;
  const says = answer === null ? 'not connected' : answer.status ? `HTTP ${answer.status}` : `on ${answer.node} with epoch ${answer.epoch}`;
  const is = truth === null ? 'not connected' : `connected to ${truth.node} (connection ${truth.c})`;
  court.blame('presence', `${asked} says that ${device} is ${says}, and it is ${is} (${round})`, { device, at });
}

function isEpochOf(court, device, answer, truth) {
  return court.evidence.named(device, answer)?.c === truth.c;
}
