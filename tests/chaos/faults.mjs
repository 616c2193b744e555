// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a chaos run, and when: a schedule that follows from its seed alone, and how each fault is done to a
// cluster. Faults that take a node out keep a distance, so that most nodes are there at any time; links may be disturbed
// meanwhile.
import { sleep } from '../system/node/harness.mjs';
import { Random } from './random.mjs';

/**
 * `shareMs`: how long it lasts, from a random share of the range. `takes`: what it occupies while it lasts and recovers:
 * a node, a link between two, or Redis for all. `recoverMs`: from its end until that may be hit again.
 */
export const kinds = {
  kill: { takes: 'node', shareMs: [500, 9000], recoverMs: 7000, weight: 3 }, // both within and past its lease
  drain: { takes: 'node', shareMs: [0, 2000], recoverMs: 3000, weight: 3 },
  restart: { takes: 'node', shareMs: [0, 0], recoverMs: 3000, weight: 1 }, // a drain, and up again at once
  freeze: { takes: 'node', shareMs: [2000, 30_000], recoverMs: 7000, weight: 3 },
  isolate: { takes: 'node', shareMs: [3000, 12_000], recoverMs: 7000, weight: 1 },
  cut: { takes: 'link', shareMs: [1000, 12_000], recoverMs: 2000, weight: 3 },
  stall: { takes: 'link', shareMs: [1000, 12_000], recoverMs: 2000, weight: 3 },
  slow: { takes: 'link', shareMs: [1000, 10_000], recoverMs: 1000, weight: 1 },
  'redis-cut': { takes: 'node', shareMs: [1000, 10_000], recoverMs: 5000, weight: 1 }, // one node's road to Redis
  'redis-kill': { takes: 'redis', shareMs: [1000, 20_000], recoverMs: 15_000, weight: 1 }, // back empty
  'redis-pause': { takes: 'redis', shareMs: [1000, 20_000], recoverMs: 5000, weight: 1 },
  'redis-slow': { takes: 'redis', shareMs: [2000, 15_000], recoverMs: 2000, weight: 1 },
};

/** What a single node on the embedded directory can be done. */
export const singleNodeKinds = ['drain', 'restart'];

/**
 * Faults as `{at, kind, node?, peer?, lastsMs}`, `at` from the run's start in milliseconds, ascending. All are over by
 * `durationMs`. At most `atOnce` nodes are out or recovering at a time; Redis faults stand alone.
 */
export function schedule({ seed, durationMs, nodes, only = Object.keys(kinds), atOnce = 1, gapMs = [1000, 5000] }) {
  if (only.length === 0) return [];
  const random = new Random(seed).fork('faults');
  const weights = Object.fromEntries(only.filter((x) => kinds[x].takes !== 'link' || nodes.length > 1).map((x) => [x, kinds[x].weight]));
  const planned = [];
  const longestMs = durationMs / 5; // a short run has short faults
  for (let at = random.between(...gapMs); at < durationMs; at += random.between(...gapMs)) {
    const kind = random.weighted(weights);
    const { takes, shareMs, recoverMs } = kinds[kind];
    const lastsMs = Math.round(Math.min(random.between(...shareMs), Math.max(shareMs[0], longestMs)));
    const [node, peer] = shuffled(nodes, random);
    const fault = { at: Math.round(at), kind, lastsMs, until: at + lastsMs + recoverMs };
    if (takes !== 'redis') fault.node = node;
    if (takes === 'link') fault.peer = peer;
    if (at + lastsMs <= durationMs && fits(fault, planned, atOnce)) planned.push(fault);
  }
  return planned.map(({ until, ...fault }) => fault);
}

function fits(fault, planned, atOnce) {
  const takes = (x) => kinds[x.kind].takes;
  const now = planned.filter((x) => x.until > fault.at);
  if (now.some((x) => takes(x) === 'redis') || (takes(fault) === 'redis' && now.length > 0)) return false;
  if (takes(fault) === 'node') return now.filter((x) => takes(x) === 'node').length < atOnce && !now.some((x) => involves(x, fault.node));
  return !now.some((x) => involves(x, fault.node) || involves(x, fault.peer));
}

const involves = (fault, node) => node !== undefined && (fault.node === node || fault.peer === node);

function shuffled(list, random) {
  const rest = [...list];
  return list.map(() => rest.splice(random.below(rest.length), 1)[0]);
}

// -- doing them ----

const nodeOf = (cluster, { node }) => cluster.node(node);
const pair = (cluster, { node, peer }) => cluster.link(node, peer);
const redisLinks = (cluster) => cluster.nodes.map((x) => cluster.link(x.id, 'redis'));

const slowMs = { link: 300, redis: 500 };

const deeds = {
  kill: { begin: (c, f) => nodeOf(c, f).kill9(), end: (c, f) => nodeOf(c, f).start() },
  drain: { begin: (c, f) => nodeOf(c, f).drain(), end: (c, f) => nodeOf(c, f).start() },
  restart: { begin: (c, f) => nodeOf(c, f).drain(), end: (c, f) => nodeOf(c, f).start() },
  freeze: { begin: (c, f) => nodeOf(c, f).freeze(), end: (c, f) => nodeOf(c, f).thaw() },
  isolate: { begin: (c, f) => c.isolate(f.node), end: (c, f) => c.rejoin(f.node) },
  cut: { begin: (c, f) => pair(c, f).cut(), end: (c, f) => pair(c, f).heal() },
  stall: { begin: (c, f) => pair(c, f).stall(), end: (c, f) => pair(c, f).heal() },
  slow: { begin: (c, f) => pair(c, f).slow(slowMs.link), end: (c, f) => pair(c, f).heal() },
  'redis-cut': { begin: (c, f) => c.link(f.node, 'redis').stall(), end: (c, f) => c.link(f.node, 'redis').heal() },
  'redis-kill': { begin: (c) => c.redis.kill9(), end: (c) => c.redis.restart() },
  'redis-pause': { begin: (c) => c.redis.pause(), end: (c) => c.redis.resume() },
  'redis-slow': { begin: (c) => redisLinks(c).forEach((x) => x.slow(slowMs.redis)), end: (c) => redisLinks(c).forEach((x) => x.heal()) },
};

/** Does one fault from begin to end, and writes down when it was; `journal.faults` gets it when it begins. */
export async function commit(cluster, { kind, node, peer, lastsMs }, journal) {
  const entry = { kind, node, peer, from: Date.now() };
  journal.faults.push(entry);
  await deeds[kind].begin(cluster, entry);
  await sleep(lastsMs);
  await deeds[kind].end(cluster, entry);
  entry.to = Date.now();
}
