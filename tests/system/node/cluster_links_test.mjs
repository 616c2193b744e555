// SPDX-License-Identifier: Apache-2.0
// A link between two nodes that both see Redis is cut, stalled or slow: senders are told, memory is bounded, and the link
// comes back by itself.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { agreed, bounds, count, slack, startCluster, steadily } from './cluster_parts.mjs';
import { Device } from './device.mjs';
import { sleep, until } from './harness.mjs';

for (const fault of ['cut', 'stall'])
  test(`a link ${fault}: unreachable within a second, the third node unaffected, healed by itself`, async (t) => {
    const cluster = await startCluster(t);
    const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
    const far = await Device.connect(cluster.node('n2'), { device: 'far' });
    const near = await Device.connect(cluster.node('n3'), { device: 'near' });
    for (const device of ['far', 'near']) assert.equal((await sender.send(device, 'before')).verdict, 'written');
    const stop = steadily(sender, 'near');
    cluster.link('n1', 'n2')[fault]();
    const hit = Date.now();
    let first;
    while (Date.now() - hit < 8000) {
      const asked = Date.now();
      const { verdict } = await sender.send('far', `during ${asked}`, { timeout_ms: 4000 });
      assert.equal(verdict, 'unreachable', `${asked - hit} ms after the fault: both nodes are alive`);
      first ??= Date.now() - hit;
      if (asked - hit > bounds.suspect + slack) assert.ok(Date.now() - asked < 300, `took ${Date.now() - asked} ms`);
      await sleep(100);
    }
    assert.ok(first <= bounds.suspect + slack, `the first unreachable after ${first} ms`);
    await agreed(cluster, 'far', 'n2'); // both see Redis: nobody is swept
    cluster.heal();
    await until(async () => (await sender.send('far', 'after', { timeout_ms: 1000 })).verdict === 'written', 'the link is back', 10_000);
    await sleep(500);
    assert.equal(far.end, undefined);
    const got = far.received.filter((x) => x.startsWith('during'));
    assert.equal(new Set(got).size, got.length, 'nothing twice');
    const others = await stop();
    assert.deepEqual(count(others), { written: others.length });
    assert.equal(near.received.length, others.length + 1);
  });

test('a flood into a stalled link ends in congested or unreachable, and memory stays bounded', async (t) => {
  const cluster = await startCluster(t, { nodes: 2, settings: { maxPendingVerdicts: 262_144 } });
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const far = await Device.connect(cluster.node('n2'), { device: 'far' });
  assert.equal((await sender.send('far', 0)).verdict, 'written');
  const before = cluster.node('n1').server.residentBytes();
  cluster.link('n1', 'n2').stall();
  const pad = 'x'.repeat(16_000);
  sender.keepsLog = false;
  const told = {};
  sender.onFrame = (frame) => frame.t === 'verdict' && (told[frame.verdict] = (told[frame.verdict] ?? 0) + 1);
  const total = 8000; // 128 MB
  for (let i = 0; i < total; ++i) {
    sender.post('far', pad, { timeout_ms: 2000 });
    if (i % 100 === 0) await sleep(5);
  }
  await until(() => Object.values(told).reduce((a, b) => a + b, 0) === total, 'a verdict each', 30_000);
  assert.deepEqual(Object.keys(told).filter((x) => !['congested', 'unreachable', 'written'].includes(x)), []);
  const grown = (cluster.node('n1').server.residentBytes() - before) / 2 ** 20;
  assert.ok(grown < 64, `${grown.toFixed(0)} MiB more`);
  cluster.heal();
  await until(async () => (await sender.send('far', 'after', { timeout_ms: 1000 })).verdict === 'written', 'the link is back', 10_000);
  assert.equal(far.end, undefined);
});

test('a link that is cut again and again heals every time', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const far = await Device.connect(cluster.node('n2'), { device: 'far' });
  for (let round = 0; round < 8; ++round) {
    await until(async () => (await sender.send('far', round, { timeout_ms: 1000 })).verdict === 'written', `round ${round}`, 10_000);
    if (round % 2) cluster.link('n1', 'n2').reset();
    else cluster.link('n1', 'n2').cut();
    await sleep(300 * (round % 4));
    cluster.heal();
  }
  assert.equal(far.end, undefined);
});

test('a slow link is no dead link', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  await Device.connect(cluster.node('n2'), { device: 'far' });
  assert.equal((await sender.send('far', 0)).verdict, 'written');
  cluster.link('n1', 'n2').slow(150);
  const stop = steadily(sender, 'far', { everyMs: 50 });
  await sleep(5000);
  const told = await stop();
  assert.deepEqual(count(told), { written: told.length });
  assert.ok(told.slice(5).every((x) => x.ms >= 250), 'the delay is real');
});
