// SPDX-License-Identifier: Apache-2.0
// One chaos run: a cluster, devices that come and go, messages, faults by schedule, then quiet, two audits, and the end.
// Leaves a journal; judging it is the oracle's.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { formats } from '../system/node/device.mjs';
import { sleep } from '../system/node/harness.mjs';
import { audit } from './audit.mjs';
import { Cluster } from './cluster.mjs';
import { SimDevice } from './devices.mjs';
import { commit, schedule } from './faults.mjs';
import { Journal } from './journal.mjs';
import { Random } from './random.mjs';
import { Traffic } from './traffic.mjs';

const perAccount = 8; // and a watcher or two
const settleMs = (nodes) => (nodes > 1 ? 10_000 : 3_000); // from the last fault to the audit; one node has nobody to agree with
const longestVerdictMs = 3000 + 1000; // the longest timeout traffic asks for, and the grace
const offlineWithinMs = 10_000;

/** What the run's nodes get: heartbeats and rates at the scale of a short run. */
const settings = { pingInterval: '5s', pingTimeout: '3s', messageRate: 40, messageBurst: 30, goawayGrace: '2s', resumeWindow: '10s', loops: 2 };

/** `t` ends what was started; `progress(text)` is called each second. Answers `{journal, cluster, faults, slackMs}`. */
export async function run(t, { seed, seconds, nodes, devices: count, perSecond, only, logs, falsify, progress = () => {}, program }) {
  const random = new Random(seed);
  const journal = new Journal();
  if (falsify) journal.falsify = falsify;
  const cluster = await Cluster.start(t, { nodes, name: `chaos-${seed}`, logs, settings, program });
  const faults = schedule({ seed, durationMs: seconds * 1000, nodes: cluster.nodes.map((x) => x.id), only });
  const { devices, watchers } = fleet(cluster, journal, random, count);
  const everyone = [...devices, ...watchers];
  t.after(() => Promise.all(everyone.map((x) => x.leave('reset'))));
  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();

  let phase = 'connecting';
  const began = Date.now();
  const ticker = setInterval(() => progress(line({ phase, began, everyone, journal, cluster })), 1000);
  t.after(() => clearInterval(ticker));

  for (const each of everyone) each.start();
  await connected(everyone);
  const traffic = new Traffic({ devices, nodes: cluster.nodes, random: random.fork('traffic'), journal, mix: { perSecond } });
  traffic.start();

  phase = 'chaos';
  await inject(cluster, faults, journal, seconds * 1000);
  cluster.heal();
  devices.forEach((x) => x.stopChurn());

  phase = 'settling';
  await sleep(settleMs(nodes));
  await audit({ cluster, devices: everyone, journal, round: 'after the last fault' });
  traffic.stop();
  await traffic.settled();
  await sleep(longestVerdictMs);

  phase = 'leaving';
  await Promise.all(devices.map((x, i) => (i % 2 ? x.leave(i % 4 === 1 ? 'client' : 'reset') : undefined)));
  await sleep(2000);
  await audit({ cluster, devices: everyone, journal, round: 'half of them left' });
  await Promise.all(devices.map((x) => x.leave()));
  await offlineTold(journal, watchers, offlineWithinMs);
  journal.endedAt = Date.now();
  clearInterval(ticker);
  lag.disable();
  await Promise.all(watchers.map((x) => x.leave()));
  const slackMs = Math.ceil(lag.max / 1e6);
  return { journal, cluster, faults, slackMs };
}

function fleet(cluster, journal, random, count) {
  const devices = [];
  const watchers = [];
  const nodes = cluster.nodes;
  const add = (list, name, account, habits) =>
    list.push(new SimDevice({ name, account, format: formats[list.length % 2], nodes, random: random.fork(name), journal, habits }));
  for (let i = 0; i < count; ++i) add(devices, `d${i}`, `acc${Math.floor(i / perAccount)}`);
  for (let a = 0; a < Math.ceil(count / perAccount); ++a)
    for (let i = 0; i < 2; ++i) add(watchers, `w${a}-${i}`, `acc${a}`, { watches: true, churnMs: 0 });
  return { devices, watchers };
}

async function connected(everyone) {
  const end = Date.now() + 30_000;
  while (!everyone.every((x) => x.current)) {
    if (Date.now() > end) throw new Error(`${everyone.filter((x) => !x.current).length} devices could not connect within 30 s`);
    await sleep(20);
  }
}

/** Does the faults at their times; a fault that takes longer to end than planned delays none of the others. */
async function inject(cluster, faults, journal, durationMs) {
  const began = Date.now();
  const done = faults.map(async (fault) => {
    await sleep(fault.at);
    await commit(cluster, fault, journal);
  });
  await Promise.all([...done, sleep(durationMs)]);
  if (Date.now() - began > durationMs + 60_000) throw new Error('a fault did not end within a minute of its time');
}

/** Waits until the last device's `offline` has come to every watcher that is connected, or as long as it may take. */
async function offlineTold(journal, watchers, ms) {
  const end = Date.now() + ms;
  const owed = (watcher) => {
    const events = watcher.log.events.filter((x) => x.c === watcher.current?.entry.c);
    const online = new Set();
    for (const { kind, device, epoch } of events) {
      if (kind === 'online' && !device.startsWith('w')) online.add(`${device} ${epoch}`);
      if (kind === 'offline') online.delete(`${device} ${epoch}`);
    }
    return online.size > 0;
  };
  while (Date.now() < end && watchers.some(owed)) await sleep(50);
  await sleep(500); // one too many would come now
}

function line({ phase, began, everyone, journal, cluster }) {
  const seconds = Math.round((Date.now() - began) / 1000);
  const there = everyone.filter((x) => x.current).length;
  const states = cluster.nodes.map((x) => x.state[0].toUpperCase()).join('');
  const now = journal.faults.filter((x) => x.to === undefined).map((x) => [x.kind, x.node, x.peer].filter(Boolean).join(' '));
  const { written = 0, acked = 0, unreachable = 0 } = journal.told;
  return `${seconds} s ${phase}  ${states}  ${there}/${everyone.length} connected  ${journal.messages.length} sent, ` +
    `${written} written, ${acked} acked, ${unreachable} unreachable  ${now.join(', ')}`;
}
