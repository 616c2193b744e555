// SPDX-License-Identifier: Apache-2.0
// The oracle on trial: it finds nothing in journals of a truthful cluster, and each rule fires on a journal in which one
// thing was changed that breaks it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { judge } from './oracle.mjs';
import { goodJournal } from './oracle_world.mjs';
import { Random } from './random.mjs';

const nothingToTell = Symbol('this journal has no place for the lie');
const rulesOf = ({ violations }) => [...new Set(violations.map((x) => x.rule))].sort();

test('2000 truthful journals are acquitted', () => {
  const counts = { writtenConnectionLost: 0, redelivered: 0, silentConnectionLost: 0, resync: 0 };
  for (let seed = 1; seed <= 2000; ++seed) {
    const result = judge(goodJournal(seed, { losesRedis: seed % 4 === 0 }));
    assert.deepEqual(result.violations, [], `seed ${seed}`);
    for (const key of Object.keys(counts)) counts[key] += result.counts[key];
  }
  assert.ok(counts.writtenConnectionLost > 1000, 'losses that are nobody\'s fault occur');
  assert.ok(counts.redelivered > 1000, 'so do repetitions after a resume');
  assert.equal(counts.resync, 500);
});

// -- senders that moved ----

/** A sender leaves `n1` in order with one message open and resumes on `n2`; what else happens is up to the test. */
function movedSender({ fault, verdict, next = {} } = {}) {
  const t = 1_800_000_000_000;
  const connection = { c: 0, node: 'n1', startedAt: t, welcomedAt: t + 1, resumed: false, endedAt: t + 1000, by: 'client', code: 1000 };
  const resumed = { c: 1, node: 'n2', startedAt: t + 1050, welcomedAt: t + 1060, resumed: true, endedAt: t + 20_000, by: 'client', code: 1000, ...next };
  const target = { c: 0, node: 'n3', startedAt: t - 5000, welcomedAt: t - 4999, resumed: false, endedAt: t + 20_000, by: 'client', code: 1000 };
  const device = (connections, received = []) => ({ account: 'acme', format: 'json', connections, received, events: [] });
  return {
    devices: {
      mover: device([connection, resumed]),
      silent: device([target], [{ c: 0, at: t + 901, id: 'id0', m: 0, to: 'silent', from: 'mover', ack: true }]),
    },
    messages: [{ m: 0, from: 'mover', to: 'silent', want: 'acked', timeoutMs: 3000, sentAt: t + 900, node: 'n1', c: 0 }],
    verdicts: verdict ? [{ m: 0, c: 1, verdict: 'unreachable', stage: 'accepted', at: t + verdict }] : [],
    faults: fault ? [{ node: 'n1', from: t + 1200, to: t + 9000, ...fault }] : [],
    audits: [],
    endedAt: t + 40_000,
  };
}

for (const kind of ['kill', 'freeze', 'isolate', 'drain'])
  test(`a sender that moved is owed a verdict though the node it left meets with ${kind}`, () => {
    assert.deepEqual(rulesOf(judge(movedSender({ fault: { kind } }))), ['no verdict']);
    assert.deepEqual(judge(movedSender({ fault: { kind }, verdict: 4800 })).violations, []);
    assert.deepEqual(rulesOf(judge(movedSender({ fault: { kind: 'kill' }, verdict: 4950 }))), ['late']);
  });

test('a sender that moved is owed no verdict where the node it moved to cannot speak, or did not resume it', () => {
  const freeze = { kind: 'freeze', node: 'n2', from: 1_800_000_002_000 };
  assert.deepEqual(judge(movedSender({ fault: freeze })).counts.unanswered, { 'node frozen': 1 });
  assert.deepEqual(judge(movedSender({ fault: { kind: 'kill' }, next: { resumed: false } })).counts.unanswered, { 'not resumed': 1 });
});

// -- events after an empty Redis ----

/** `d` connected to n1 and, without an end there, to n2, while Redis lay dead; the later connection ended first. */
function putBackBelow({ endedAt = 20_000, at = 12_100, kind = 'redis-kill' } = {}) {
  const t = 1_800_000_000_000;
  const connection = (c, node, startedAt, ended) => ({ c, node, startedAt: t + startedAt, welcomedAt: t + startedAt + 2, resumed: false, endedAt: t + ended, by: 'client', code: 1000 });
  const event = (after, what, startedAt) => ({ c: 0, at: t + after, kind: what, device: 'd', epoch: (t + startedAt + 1) * 1000 });
  const first = connection(0, 'n1', 1000, endedAt);
  const watcher = { ...connection(0, 'n3', 0, 60_000), watchedAt: t + 4 };
  return {
    devices: {
      d: { account: 'acme', format: 'json', connections: [{ ...first, code: 4100, by: 'server' }, connection(1, 'n2', 9000, 12_000)], received: [], events: [] },
      w: { account: 'acme', format: 'json', connections: [watcher], received: [], events: [
        event(1010, 'online', 1000),
        { c: 0, at: t + 11_000, kind: 'resync', devices: [] },
        event(11_900, 'online', 9000), event(12_010, 'offline', 9000),
        event(at, 'online', 1000), event(20_100, 'offline', 1000),
      ] },
    },
    messages: [],
    verdicts: [],
    faults: [{ kind, from: t + 5000, to: t + 10_500 }],
    audits: [],
    endedAt: t + 60_000,
  };
}

test('an earlier connection may be put back behind a later one where an empty Redis forgot both', () => {
  const { violations, counts } = judge(putBackBelow());
  assert.deepEqual(violations, []);
  assert.equal(counts.restoredBelow, 1);
});

test('it may not where it had ended, long after the restart, or where Redis lost nothing', () => {
  assert.ok(rulesOf(judge(putBackBelow({ endedAt: 9000 }))).includes('event order'));
  assert.ok(rulesOf(judge(putBackBelow({ at: 27_000, endedAt: 30_000 }))).includes('event order'));
  assert.ok(rulesOf(judge(putBackBelow({ kind: 'redis-pause' }))).includes('event order'));
});

// -- resyncs ----

/** A watcher that never got the resync it was owed, unless `change` gives a reason. */
function withoutResync(change = () => {}) {
  const journal = goodJournal(1, { losesRedis: true });
  const { w } = journal.devices;
  w.events = w.events.filter((x) => x.kind !== 'resync');
  change(journal, w.connections[0], journal.faults[0]);
  return rulesOf(judge(journal));
}

test('a watcher is owed its resync where it watched before Redis was lost and stayed, on a node that had its wits', () => {
  assert.ok(withoutResync().includes('resync'));
  const trouble = (kind, node) => (journal, watching, { from, to }) => journal.faults.push({ kind, node: node ?? watching.node, from: from - 1000, to: to + 1000 });
  assert.ok(withoutResync(trouble('freeze', 'n9')).includes('resync'), 'another node was frozen');
  for (const kind of ['freeze', 'isolate', 'redis-cut']) assert.ok(!withoutResync(trouble(kind)).includes('resync'), kind);
  assert.ok(!withoutResync((_, watching, { from }) => (watching.watchedAt = from - 500)).includes('resync'), 'it may not have stood yet');
  assert.ok(!withoutResync((_, watching, { to }) => (watching.endedAt = to + 5000)).includes('resync'), 'it went');
  assert.ok(!withoutResync((journal, _, { to }) => (journal.endedAt = to + 5000)).includes('resync'), 'the run ended');
  assert.ok(!withoutResync((journal, _, loss) => delete loss.to).includes('resync'), 'Redis never came back');
});

// -- epochs that are not a bind of their device's own time ----

/** `d` on n3 tried to move, to `node`, and gave up; its record was put back, and a message came under the fresh epoch. */
function recordPutBack({ node = 'n3', endedAt = 90_000, welcomedAt } = {}) {
  const t = 1_800_000_000_000;
  const connection = (c, on, started, welcomed, ended, code) => ({ c, node: on, startedAt: t + started, welcomedAt: welcomed && t + welcomed, resumed: false, endedAt: t + ended, by: 'client', code });
  const device = (connections, received = []) => ({ account: 'acme', format: 'json', connections, received, events: [] });
  const via = { node: 'n3', epoch: (t + 40_000) * 1000 };
  return {
    devices: {
      d: device(
        [connection(0, 'n3', 0, 6, endedAt, 1000), connection(1, node, 30_000, welcomedAt, 33_500, 4003)],
        [{ c: 0, at: t + 40_151, id: 'id0', m: 0, to: 'd', from: 's', ack: false }]),
      s: device([connection(0, 'n1', 0, 2, 90_000, 1000)]),
    },
    messages: [{ m: 0, from: 's', to: 'd', want: 'written', timeoutMs: 1000, sentAt: t + 40_150, node: 'n1', c: 0 }],
    verdicts: [{ m: 0, c: 0, verdict: 'written', via, at: t + 40_152 }],
    faults: [],
    audits: [{ at: t + 60_000, round: 'settled', asked: 'n1', device: 'd', answer: via, truth: { node: 'n3', c: 0 } }],
    endedAt: t + 120_000,
  };
}

test('a fresh epoch is of the open connection rather than of an attempt that was never welcomed', () => {
  assert.deepEqual(judge(recordPutBack()).violations, []);
  assert.deepEqual(judge(recordPutBack({ node: 'n2' })).violations, []);
});

test('it is not where that connection was over, or where no attempt could have taken its record', () => {
  assert.ok(rulesOf(judge(recordPutBack({ endedAt: 35_000 }))).includes('via'));
  assert.ok(rulesOf(judge(recordPutBack({ welcomedAt: 30_010 }))).includes('via'));
});

// Lies that can be told of any journal: which entry is chosen by the seed, and undefined means that it has none to change.
const verdictWith = (journal, random, accepts) => {
  const fits = journal.verdicts.filter((x) => accepts(x, journal.messages[x.m]));
  return fits.length > 0 ? random.pick(fits) : undefined;
};
const arrivals = (journal, m) => Object.values(journal.devices).flatMap((log) => log.received.filter((x) => x.m === m).map((entry) => ({ log, entry })));
const forget = (journal, m) => arrivals(journal, m).forEach(({ log, entry }) => log.received.splice(log.received.indexOf(entry), 1));
const hopping = (journal, x) => {
  const log = journal.devices[journal.messages[x.m].to];
  return log.connections.find((y) => y.epoch === x.via.epoch);
};
const others = (journal, x) => Object.entries(journal.devices).find(([name]) => name !== journal.messages[x.m].to && name !== 'w')[1];

const lies = {
  'an acked message that never came': ['acked', (j, r) => verdictWith(j, r, (x) => x.verdict === 'acked'), (j, x) => forget(j, x.m)],
  'a written message that never came, though its connection was closed in order': [
    'written',
    (j, r) => verdictWith(j, r, (x, { want }) => x.verdict === 'written' && want === 'written' && arrivals(j, x.m).length && hopping(j, x).code !== 1006),
    (j, x) => forget(j, x.m),
  ],
  'written to a connection the device never had': ['via', (j, r) => verdictWith(j, r, (x) => x.via), (j, x) => (x.via = { ...x.via, epoch: x.via.epoch + 10_000 })],
  'written on a node the device never was on then': ['via', (j, r) => verdictWith(j, r, (x) => x.via), (j, x) => (x.via = { ...x.via, node: 'n9' })],
  'written without a connection': ['via', (j, r) => verdictWith(j, r, (x) => x.via), (j, x) => delete x.via],
  'a certain loss that came': ['certain loss', (j, r) => verdictWith(j, r, (x) => x.verdict === 'written' && arrivals(j, x.m).length), (j, x) => Object.assign(x, { verdict: 'offline', via: undefined })],
  'a duplicate that came': ['certain loss', (j, r) => verdictWith(j, r, (x) => x.verdict === 'written' && arrivals(j, x.m).length), (j, x) => Object.assign(x, { verdict: 'duplicate', first: 'written' })],
  'offline of a device that was there all the time': ['offline', (j, r) => verdictWith(j, r, (x, m) => x.verdict === 'acked' && steady(j, m)), (j, x) => {
    forget(j, x.m);
    Object.assign(x, { verdict: 'offline', via: undefined });
  }],
  'two verdicts': ['one verdict', (j, r) => verdictWith(j, r, (x) => x.verdict !== 'acked'), (j, x) => j.verdicts.push({ ...x })],
  'a verdict too late': ['late', (j, r) => verdictWith(j, r, (x) => x.c === j.messages[x.m].c), (j, x) => (x.at += 3000)],
  'a verdict nobody asked for': ['want', (j, r) => verdictWith(j, r, (x) => x.verdict === 'written'), (j, x) => (j.messages[x.m].want = 'none')],
  'a success told to a sender that asked for errors': ['want', (j, r) => verdictWith(j, r, (x) => x.verdict === 'written'), (j, x) => (j.messages[x.m].want = 'errors')],
  'no verdict': ['no verdict', (j, r) => verdictWith(j, r, (x, message) => message.want !== 'errors' && stayed(j, message)), (j, x) => j.verdicts.splice(j.verdicts.indexOf(x), 1)],
  'silence about a message that never came': ['silent loss', (j, r) => silent(j, r), (j, x) => forget(j, x.m)],
  'one epoch on two connections': ['one epoch, two connections', (j, r) => sharedEpoch(j, r), (j, { log, i }) => (log.received[i].c = (log.received[i].c + 1) % log.connections.length)],
  'a verdict of nothing': ['verdict of nothing', (j, r) => verdictWith(j, r, () => true), (j, x) => j.verdicts.push({ ...x, m: 999_999 })],
  'a message at the wrong device': ['misrouted', (j, r) => verdictWith(j, r, (x) => arrivals(j, x.m).length === 1), (j, x) => others(j, x).received.push({ ...arrivals(j, x.m)[0].entry, c: 0 })],
  'a message from somebody else': ['misrouted', (j, r) => verdictWith(j, r, (x) => arrivals(j, x.m).length), (j, x) => (arrivals(j, x.m)[0].entry.from = 'w')],
  'a message twice on one connection': ['delivered twice', (j, r) => verdictWith(j, r, (x) => arrivals(j, x.m).length), (j, x) => {
    const { log, entry } = arrivals(j, x.m).at(-1);
    log.received.splice(log.received.indexOf(entry), 0, { ...entry });
  }],
  'a repetition under another id': ['delivered twice', (j, r) => redelivered(j, r), (j, x) => (x.again.id = 'other')],
  'a repetition without a resume': ['delivered twice', (j, r) => redelivered(j, r), (j, x) => (x.log.connections[x.again.c].resumed = false)],
  'a repetition of what needed no ack': ['delivered twice', (j, r) => redelivered(j, r), (j, x) => (x.again.ack = false)],
  'a repetition of what had been acked': ['delivered twice', (j, r) => redelivered(j, r), (j, x) => tellAcked(j, x)],
  'two messages of one sender in the wrong order': ['order', (j, r) => pairOf(j, r), (j, { log, i }) => ([log.received[i], log.received[i + 1]] = [log.received[i + 1], log.received[i]])],
  'an earlier message on a later connection': ['order', (j, r) => nextConnection(j, r), (j, { log, a, b }) => ([log.received[a].m, log.received[b].m] = [log.received[b].m, log.received[a].m])],
  'a record of who is gone': ['presence', (j, r) => pickAudit(j, r, (x) => x.answer), (j, x) => (x.truth = null)],
  'no record of who is there': ['presence', (j, r) => pickAudit(j, r, (x) => x.answer), (j, x) => (x.answer = null)],
  'a record of another node': ['presence', (j, r) => pickAudit(j, r, (x) => x.answer), (j, x) => (x.answer = { ...x.answer, node: 'n9' })],
  'a record of another epoch': ['presence', (j, r) => pickAudit(j, r, (x) => x.answer), (j, x) => (x.answer = { ...x.answer, epoch: x.answer.epoch - 10_000_000 })],
  'a node that cannot say': ['presence', (j, r) => pickAudit(j, r, (x) => x.answer), (j, x) => (x.answer = { status: 503 })],
  'an online told twice': ['event twice', (j, r) => pickEvent(j, r, 'online'), (j, x) => j.devices.w.events.splice(j.devices.w.events.indexOf(x), 0, { ...x })],
  'an offline told twice': ['event twice', (j, r) => pickEvent(j, r, 'offline'), (j, x) => j.devices.w.events.push({ ...x })],
  'an offline never told': ['offline missing', (j, r) => pickEvent(j, r, 'offline'), (j, x) => j.devices.w.events.splice(j.devices.w.events.indexOf(x), 1)],
  'an online never told': ['online missing', (j, r) => pickEvent(j, r, 'online'), (j, x) => dropEvents(j, x)],
  'an offline of what never came': ['offline without online', (j, r) => pickEvent(j, r, 'online'), (j, x) => j.devices.w.events.push({ ...x, kind: 'offline', epoch: x.epoch + 7_000_000_000 })],
  'an offline before its online': ['event order', (j, r) => pickEvent(j, r, 'online'), (j, x) => swapEnds(j, x)],
  'an epoch that went back': ['event order', (j, r) => pickEvent(j, r, 'online'), (j, x) => {
    const events = j.devices.w.events;
    events.splice(events.indexOf(x) + 1, 0, { ...x, epoch: x.epoch - 50_000 }, { ...x, epoch: x.epoch - 50_000, kind: 'offline' });
  }],
  'a resync though Redis lost nothing': ['resync', (j, r) => pickEvent(j, r, 'online'), (j, x) => j.devices.w.events.splice(0, 0, { ...x, kind: 'resync', devices: [] })],
  'a resync left out': ['resync', pickResync, (j, x) => j.devices.w.events.splice(j.devices.w.events.indexOf(x), 1), { losesRedis: true }],
  'a resync too late': ['resync', pickResync, (j, x) => (x.at += 9000), { losesRedis: true }],
  'two resyncs for one loss': ['resync', pickResync, (j, x) => j.devices.w.events.splice(j.devices.w.events.indexOf(x), 0, { ...x }), { losesRedis: true }],
  'a close for a fault the device did not commit': ['close code', (j, r) => pickConnection(j, r, (x) => x.code === 4000), (j, x) => (x.code = 4103)],
  'superseded without another connection': ['superseded by nobody', (j, r) => pickConnection(j, r, (x) => x.code === 4000), (j, x) => (x.code = 4100)],
};

/** The target's connection began well before the message and ended well after. */
const steady = (journal, { to, sentAt }) =>
  journal.devices[to].connections.some((x) => x.welcomedAt + 1000 < sentAt && x.endedAt > sentAt + 1100);

/** The sender kept its connection until the verdict was overdue. */
function stayed(journal, { from, c, sentAt, timeoutMs }) {
  return journal.devices[from].connections[c].endedAt > sentAt + timeoutMs + 1000;
}

/** A message of want "errors" of which nothing was told, as it came, to a device of which no connection ever broke. */
function silent(journal, random) {
  const steady = (name) => journal.devices[name].connections.every((x) => x.code !== 1006);
  const fits = (x) => x.want === 'errors' && steady(x.to) && arrivals(journal, x.m).length > 0 && stayed(journal, x);
  return pick(journal.messages.filter(fits), random);
}

/** An arrival of which another on the same connection tells the epoch too. */
function sharedEpoch(journal, random) {
  const learns = (x) => x && journal.messages[x.m].want === 'written' && journal.verdicts.some((y) => y.m === x.m && y.verdict === 'written');
  const all = Object.values(journal.devices).filter((log) => log.connections.length > 1).flatMap((log) =>
    log.received.map((_, i) => ({ log, i })).filter(({ i }) => i > 0 && log.received[i].c === log.received[i - 1].c && learns(log.received[i]) && learns(log.received[i - 1])));
  return pick(all, random);
}

function redelivered(journal, random) {
  const all = Object.values(journal.devices).flatMap((log) =>
    log.received.filter((x, i) => x.ack && log.received.findIndex((y) => y.m === x.m) < i).map((again) => ({ log, again })));
  return all.length > 0 ? random.pick(all) : undefined;
}

function tellAcked(journal, { again }) {
  const verdict = journal.verdicts.find((x) => x.m === again.m);
  if (!verdict) return nothingToTell;
  const { connections } = journal.devices[journal.messages[again.m].to];
  Object.assign(verdict, { verdict: 'acked', via: { node: connections[again.c].node, epoch: connections[again.c].epoch } });
}

function pairOf(journal, random) {
  const isPair = (log, i) => {
    const [a, b] = [log.received[i], log.received[i + 1]];
    const [x, y] = [journal.messages[a.m], journal.messages[b?.m]];
    return y && a.c === b.c && x.from === y.from && x.c === y.c && a.m < b.m;
  };
  const all = Object.values(journal.devices).flatMap((log) => log.received.map((_, i) => ({ log, i })).filter(({ i }) => isPair(log, i)));
  return all.length > 0 ? random.pick(all) : undefined;
}

/** Two messages of one sender, the later one on a later connection of the device. */
function nextConnection(journal, random) {
  const all = Object.values(journal.devices).flatMap((log) => log.received.map((x, a) => {
    const b = log.received.findIndex((y, i) => i > a && y.c > x.c && y.m > x.m && y.from === x.from && journal.messages[y.m].c === journal.messages[x.m].c);
    return { log, a, b };
  })).filter(({ b }) => b >= 0);
  return pick(all, random);
}

const pick = (list, random) => (list.length > 0 ? random.pick(list) : undefined);
const pickAudit = (journal, random, accepts) => pick(journal.audits.filter(accepts), random);
// Not the devices' first connections: the watch did not stand yet.
const pickEvent = (journal, random, kind) =>
  pick(journal.devices.w.events.filter((x) => x.kind === kind && x.device !== 'w' && x.epoch / 1000 > journal.devices.w.connections[0].watchedAt + 1500), random);
function pickResync(journal) {
  return journal.devices.w.events.find((x) => x.kind === 'resync');
}
const pickConnection = (journal, random, accepts) =>
  pick(Object.values(journal.devices).flatMap((log) => log.connections).filter(accepts), random);
const dropEvents = (journal, { device, epoch }) =>
  (journal.devices.w.events = journal.devices.w.events.filter((x) => x.device !== device || x.epoch !== epoch));
function swapEnds(journal, online) {
  const { events } = journal.devices.w;
  const offline = events.find((x) => x.kind === 'offline' && x.device === online.device && x.epoch === online.epoch);
  if (!offline) return nothingToTell;
  [online.kind, offline.kind] = [offline.kind, online.kind];
}

for (const [what, [rule, choose, tell, options]] of Object.entries(lies))
  test(`it sees ${what}`, () => {
    let told = 0;
    for (let seed = 1; told < 20 && seed < 400; ++seed) {
      const journal = goodJournal(seed, options);
      const chosen = choose(journal, new Random(`lie ${seed}`));
      if (chosen === undefined || tell(journal, chosen) === nothingToTell) continue;
      ++told;
      const result = judge(journal);
      assert.ok(rulesOf(result).includes(rule), `seed ${seed}: ${JSON.stringify(result.violations)}`);
    }
    assert.ok(told >= 5, `only ${told} journals had something to lie about`);
  });
