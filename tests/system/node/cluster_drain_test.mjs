// SPDX-License-Identifier: Apache-2.0
// Nodes that leave in an orderly way: nothing that was told `written` or `acked` is lost, and nobody waits long.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { SimDevice } from '../../chaos/devices.mjs';
import { Journal } from '../../chaos/journal.mjs';
import { judge } from '../../chaos/oracle.mjs';
import { Random } from '../../chaos/random.mjs';
import { explain } from '../../chaos/report.mjs';
import { Traffic } from '../../chaos/traffic.mjs';
import { agreed, slack, startCluster } from './cluster_parts.mjs';
import { Device, formats } from './device.mjs';
import { sleep, until } from './harness.mjs';

test('a draining node says no, sends its devices away, and messages follow them', async (t) => {
  const cluster = await startCluster(t, { settings: { goawayGrace: '2s' } });
  const [a, b, c] = cluster.nodes;
  const sender = await Device.connect(a, { device: 'sender' });
  const tv = await Device.connect(c, { device: 'tv' });
  assert.equal((await sender.send('tv', 0)).verdict, 'written');
  const ended = c.drain();
  const { reason, reconnect_in_ms } = await tv.find('goaway');
  assert.equal(reason, 'drain');
  assert.equal(await c.ready(), false);
  assert.equal((await sender.send('tv', 1)).verdict, 'written');
  await sleep(Math.min(reconnect_in_ms, 1500));
  const fresh = await Device.connect(b, { device: 'tv', resume: tv.welcome.session });
  assert.equal(fresh.welcome.resumed, true);
  assert.equal((await sender.send('tv', 2)).verdict, 'written');
  await ended;
  await until(() => fresh.received.includes(2), 'the message');
  assert.deepEqual([...tv.received, ...fresh.received], [0, 1, 2]);
  assert.match(c.log, /stopped/);
  await agreed(cluster, 'tv', 'n2');
});

test('rolling restart of three nodes under traffic: nothing told is untrue, no verdict later than 2 s', { timeout: 240_000 }, async (t) => {
  const cluster = await startCluster(t, { settings: { goawayGrace: '2s', messageRate: 0 } });
  const journal = new Journal();
  const random = new Random(process.env.STENTOR_SEED ?? 1);
  const habits = { churnMs: 0, resumeShare: 1 };
  const devices = Array.from({ length: 60 }, (_, i) => new SimDevice({
    name: `d${i}`, account: `acc${i % 6}`, format: formats[i % 2], nodes: cluster.nodes, random: random.fork(`d${i}`), journal, habits,
  }));
  t.after(() => Promise.all(devices.map((x) => x.leave())));
  devices.forEach((x) => x.start());
  await until(() => devices.every((x) => x.current), 'all connected', 20_000);
  // Between devices only, and to be written or acked: what the bar speaks of.
  const mix = { perSecond: 200, httpShare: 0, accountShare: 0, foreignShare: 0, badShare: 0, ttlShare: 0, burstShare: 0, wants: { written: 60, acked: 40 } };
  const traffic = new Traffic({ devices, nodes: cluster.nodes, random: random.fork('traffic'), journal, mix });
  traffic.start();
  for (const node of cluster.nodes) {
    await sleep(1500);
    await node.drain();
    await node.start();
    await cluster.formed();
    await until(() => devices.every((x) => x.current), 'all are back', 20_000);
  }
  await sleep(1500);
  traffic.stop();
  await sleep(5000);
  journal.endedAt = Date.now();
  const { violations, counts } = judge(journal.data, { slackMs: slack });
  t.diagnostic(JSON.stringify(counts));
  for (const each of violations.slice(0, 5)) t.diagnostic(explain(each, journal).join('\n'));
  assert.equal(violations.length, 0);
  assert.equal(counts.writtenConnectionLost, 0, 'every close was orderly');
  // A device that is slow to ack, or never does, is not the node's doing: those with want "acked" have their timeout.
  const waits = journal.verdicts.filter((x) => journal.messages[x.m].want === 'written' && x.c === journal.messages[x.m].c);
  const longest = Math.max(...waits.map((x) => x.at - journal.messages[x.m].sentAt));
  assert.ok(longest <= 2000, `a sender waited ${longest} ms`);
  assert.ok(counts.verdicts.written > 500 && counts.verdicts.acked > 300);
});
