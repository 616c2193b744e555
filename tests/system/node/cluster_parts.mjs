// SPDX-License-Identifier: Apache-2.0
// What the tests of several nodes share: starting them, asking all of them where a device is, and the times the cluster
// promises (docs/protocol.md, docs/deploy.md), in milliseconds.
import assert from 'node:assert/strict';
import { Cluster } from '../../chaos/cluster.mjs';
import { Device } from './device.mjs';
import { sleep, until } from './harness.mjs';

export const bounds = {
  takeover: 1000, // the old connection is closed, with the link up
  takeoverCut: 2000, // with the link cut: through Redis
  suspect: 1000, // senders to a dead or unreachable node hear `unreachable`
  dead: 7000, // its devices are `offline`
  swept: 10_000, // and watchers have been told: the sweep starts a second after the lease's end, and goes by batches
  outage: 7000, // until nodes agree that Redis is away for all; newcomers are told to come back (4003) before that
  restore: 15_000, // all devices are back in an emptied Redis
  leaseEnd: 6000, // a frozen or isolated node writes nothing more
};
// Not a promise but this machine: two cores, and other tests beside us.
export const slack = 500;

let idle;
/** A file is over when nothing is left; what is left long after its last cluster is named, and then it is over, too. */
function watchTheEnd() {
  idle = setTimeout(() => {
    const kinds = (process.getActiveResourcesInfo?.() ?? []).join(' ');
    process.stderr.write(`left over at the end: ${kinds}\n`);
    process.exit();
  }, 45_000).unref(); // longer than a node that does not end is waited for
}

/** Three nodes unless `options` say otherwise; the test fails if one of them ends by itself. */
export async function startCluster(t, { settings = {}, ...options } = {}) {
  clearTimeout(idle);
  t.after(watchTheEnd);
  const cluster = await Cluster.start(t, { nodes: 3, settings, logs: process.env.STENTOR_LOGS, ...options });
  t.after(() => assert.deepEqual(cluster.crashes, []));
  await meshed(cluster);
  return cluster;
}

/** Waits until each node reaches each: one is ready before all the others have connected to it. */
export async function meshed(cluster, ms = 5000) {
  await cluster.formed();
  const up = cluster.nodes.filter((x) => x.state === 'up');
  const probes = await Promise.all(up.map((node) => Device.connect(node, { device: `probe-${node.id}`, account: 'probes' })));
  for (const from of probes)
    for (const to of probes) {
      const reached = async () => (await from.send(to.name, 'probe', { timeout_ms: 1000 })).verdict === 'written';
      await until(reached, `${from.name} to reach ${to.name}`, ms);
    }
  await Promise.all(probes.map((x) => x.close()));
  for (const node of up) await settled(node);
}

/** Beside a Redis that has just been started a node calls nobody offline for some seconds. */
export async function settled(node) {
  const sure = async () => (await node.request('GET', '/v1/devices/nobody')).status === 404;
  await until(sure, `${node.id} to be sure of who is not there`, 10_000);
}

/** The record of a device as each node that is up tells it: `{n1: 'n2 1800…', n2: null, …}`; `?` where it cannot say. */
export async function records(cluster, device) {
  const all = {};
  for (const node of cluster.nodes.filter((x) => x.state === 'up')) {
    const { status, json } = await node.request('GET', `/v1/devices/${device}`).catch(() => ({}));
    all[node.id] = status === 200 ? `${json.node} ${json.epoch}` : status === 404 ? null : '?';
  }
  return all;
}

/** Waits until every node says the same: that the device is on `node`, or nowhere where `node` is null. */
export async function agreed(cluster, device, node, ms = 2000) {
  let last;
  const says = (x) => (node === null ? x === null : x?.startsWith(`${node} `));
  await until(async () => {
    last = await records(cluster, device);
    const told = new Set(Object.values(last));
    return told.size === 1 && says([...told][0]);
  }, `${device} on ${node}`, ms).catch(() => assert.fail(`after ${ms} ms ${device} should be on ${node}: ${JSON.stringify(last)}`));
}

/** Connects a device, again and again where it is told that the directory does not answer. */
export async function patiently(node, options, ms) {
  let device;
  await until(async () => {
    device = new Device(node, options);
    const refused = await device.welcomed.then(() => undefined, () => device.closed);
    if (refused) assert.equal(refused.code, 4003, 'retry later');
    if (refused) await sleep(100);
    return !refused;
  }, `${options.device} to be let in`, ms);
  return device;
}

/** Connects a device and turns its watch on; `events` are those told from now on. */
export async function watcher(node, name = 'watcher', account = 'acme') {
  const device = await Device.connect(node, { device: name, account });
  device.write({ t: 'watch' });
  device.write({ t: 'devices' });
  await device.next('devices');
  await sleep(300); // the watch is at its router by then
  device.log.length = 0;
  return device;
}

/** The events a watcher was told of a device, as words: `online`, `offline`. */
export const eventsOf = (watching, device) => watching.frames('event').filter((x) => x.device === device).map((x) => x.kind);

/** How long a promise takes, with what it answers. */
export async function timed(promise) {
  const began = Date.now();
  const value = await promise;
  return { value, ms: Date.now() - began };
}

/**
 * Sends numbered messages from one device to another every `everyMs` until `stop`, which answers
 * `[{n, verdict, ms}]` once all verdicts are in.
 */
export function steadily(sender, to, { everyMs = 20, ...options } = {}) {
  const told = [];
  let n = 0;
  const timer = setInterval(() => {
    const number = n++;
    const began = Date.now();
    const asked = sender.send(to, { n: number }, { timeout_ms: 5000, ...options });
    told.push(asked.then(({ verdict, via }) => ({ n: number, verdict, via, at: began, ms: Date.now() - began })));
  }, everyMs);
  return async () => {
    clearInterval(timer);
    return Promise.all(told);
  };
}

export const count = (list) => list.reduce((sums, { verdict }) => ({ ...sums, [verdict]: (sums[verdict] ?? 0) + 1 }), {});
