// SPDX-License-Identifier: Apache-2.0
// Nodes that die without a word, and nodes that only seemed to: kill -9, SIGSTOP, and a node cut off from everything.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { agreed, bounds, count, eventsOf, patiently, slack, startCluster, steadily, watcher } from './cluster_parts.mjs';
import { Device } from './device.mjs';
import { metric, sleep, until } from './harness.mjs';

test('kill -9: unreachable within a second, offline within seven, one offline for a watcher, the others go on', async (t) => {
  const cluster = await startCluster(t);
  const [a, b, c] = cluster.nodes;
  const sender = await Device.connect(a, { device: 'sender' });
  const healthy = await Device.connect(b, { device: 'healthy' });
  const doomed = await Device.connect(c, { device: 'doomed' });
  const watching = await watcher(a);
  assert.equal((await sender.send('doomed', 0)).verdict, 'written');
  const stop = steadily(sender, 'healthy');
  const killed = Date.now();
  await c.kill9();
  // Nothing is known for certain yet, and soon nothing takes long any more.
  for (let at = 0; Date.now() - killed < bounds.dead + slack; ++at) {
    const asked = Date.now();
    const { verdict } = await sender.send('doomed', at, { timeout_ms: 3000 });
    const age = asked - killed;
    assert.ok(['unreachable', 'offline'].includes(verdict), `${verdict} ${age} ms after the kill`);
    if (age > bounds.suspect + slack) assert.ok(Date.now() - asked < 500, `${verdict} took ${Date.now() - asked} ms`);
    if (verdict === 'offline') break;
    await sleep(100);
  }
  assert.equal((await sender.send('doomed', 'late')).verdict, 'offline');
  await until(() => eventsOf(watching, 'doomed').includes('offline'), 'the offline', bounds.swept + slack - (Date.now() - killed));
  t.diagnostic(`the offline came ${Date.now() - killed} ms after the kill`);
  await agreed(cluster, 'doomed', null);
  const others = await stop();
  assert.deepEqual(count(others), { written: others.length });
  assert.equal(healthy.received.length, others.length);
  await sleep(1000);
  assert.deepEqual(eventsOf(watching, 'doomed'), ['offline']);
  assert.equal(doomed.received.length, 1);
});

test('devices of a killed node reconnect elsewhere and are reachable at once, and stay when the dead are swept', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const names = Array.from({ length: 50 }, (_, i) => `d${i}`);
  await Promise.all(names.map((device) => Device.connect(cluster.node('n3'), { device })));
  await cluster.node('n3').kill9();
  await sleep(200);
  const back = await Promise.all(names.map((device, i) => Device.connect(cluster.nodes[i % 2], { device })));
  for (const device of names) assert.equal((await sender.send(device, 1)).verdict, 'written');
  await sleep(bounds.dead + 2000); // past the sweep
  for (const device of names) assert.equal((await sender.send(device, 2)).verdict, 'written', device);
  assert.ok(back.every((x) => x.end === undefined && x.received.length === 2));
});

test('a killed node starts again under its id: it waits for its old lease and says so, and serves', async (t) => {
  const cluster = await startCluster(t);
  const node = cluster.node('n3');
  await node.kill9();
  await node.start();
  assert.match(node.log, /lease/);
  await cluster.formed();
  const tv = await Device.connect(node, { device: 'tv' });
  await agreed(cluster, 'tv', 'n3');
  assert.equal((await tv.send('tv', 1)).verdict, 'written');
});

test('frozen and thawed: fenced meanwhile, its devices are sent away, it comes back as another incarnation', async (t) => {
  const frozenMs = process.env.STENTOR_LONG ? 30_000 : 12_000; // both past the lease and the sweep
  const cluster = await startCluster(t);
  const [a, , c] = cluster.nodes;
  const sender = await Device.connect(a, { device: 'sender' });
  const tv = await Device.connect(c, { device: 'tv' });
  const stayer = await Device.connect(c, { device: 'stayer' });
  const watching = await watcher(a);
  assert.equal((await sender.send('tv', 0)).verdict, 'written');
  c.freeze();
  const frozen = Date.now();
  const early = await sender.send('tv', 1, { timeout_ms: 2000 });
  assert.equal(early.verdict, 'unreachable');
  await until(() => eventsOf(watching, 'stayer').includes('offline'), 'the sweep', bounds.swept + slack);
  t.diagnostic(`swept ${Date.now() - frozen} ms after it froze`);
  const fresh = await Device.connect(a, { device: 'tv' });
  assert.equal((await sender.send('tv', 2)).verdict, 'written');
  assert.equal((await sender.send('stayer', 1)).verdict, 'offline');
  await sleep(frozenMs - (Date.now() - frozen));
  c.thaw();
  // What waited in its sockets must not be delivered now, and nobody may be told that it was.
  const late = stayer.post('tv', 'from the past', { timeout_ms: 3000 });
  await Promise.all([tv.closed, stayer.closed]);
  assert.ok(stayer.frames('goaway').length >= 1 || stayer.end.code === 4000);
  assert.ok(!stayer.frames('verdict').some((x) => x.id === late && x.verdict === 'written') || fresh.received.includes('from the past'));
  assert.ok(!tv.received.includes(2));
  await agreed(cluster, 'tv', 'n1');
  await cluster.formed();
  const again = await Device.connect(c, { device: 'stayer' });
  assert.equal((await sender.send('stayer', 3)).verdict, 'written');
  await agreed(cluster, 'stayer', 'n3');
  assert.deepEqual(fresh.received.filter((x) => x !== 'from the past'), [2]);
  assert.deepEqual(again.received, [3]);
  await until(() => eventsOf(watching, 'stayer').length > 1, 'the online'); // events come up to 50 ms after the record
  assert.deepEqual(eventsOf(watching, 'stayer'), ['offline', 'online']);
});

test('a short freeze below the lease changes nothing but the time', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const tv = await Device.connect(cluster.node('n3'), { device: 'tv' });
  assert.equal((await sender.send('tv', 0)).verdict, 'written');
  cluster.node('n3').freeze();
  await sleep(500);
  cluster.node('n3').thaw();
  await until(async () => (await sender.send('tv', 1)).verdict === 'written', 'reachable again', 3000);
  assert.equal(tv.end, undefined);
});

test('a node cut off from Redis and all peers fences itself at its lease, and its devices serve elsewhere', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const tv = await Device.connect(cluster.node('n3'), { device: 'tv' });
  const beside = await Device.connect(cluster.node('n3'), { device: 'beside' });
  cluster.isolate('n3');
  await sleep(bounds.leaseEnd + 1000);
  const asked = beside.end ? undefined : beside.send('tv', 'behind the fence', { timeout_ms: 1000 }).catch(() => ({ verdict: 'closed' }));
  const { verdict } = await Promise.race([asked ?? { verdict: 'closed' }, sleep(2500, { verdict: 'silent' })]);
  assert.ok(verdict !== 'written' && verdict !== 'acked', verdict);
  assert.deepEqual(tv.received, []);
  const fresh = await Device.connect(cluster.node('n2'), { device: 'tv' });
  assert.equal((await sender.send('tv', 1)).verdict, 'written');
  cluster.rejoin('n3');
  await cluster.formed();
  await agreed(cluster, 'tv', 'n2', 5000);
  assert.equal(fresh.end, undefined);
  assert.equal(await metric(cluster.node('n1'), 'stentor_presence_disagreements'), 0);
});

test('a bind that waits in a frozen slot owner takes the device from nobody when it wakes up', async (t) => {
  const cluster = await startCluster(t);
  const [n1, n2, n3] = ['n1', 'n2', 'n3'].map((x) => cluster.node(x));
  const owner = async (device) => (await n1.request('GET', `/v1/admin/slots?device=${device}`)).json.node;
  let name;
  for (let i = 0; name === undefined; ++i) if ((await owner(`tv${i}`)) === 'n3') name = `tv${i}`;
  const sender = await Device.connect(n1, { device: 'sender' });
  n3.freeze();
  // Its bind waits at n3; after 1.5 s n1 asks the directory itself. The next one takes the same path.
  await patiently(n1, { device: name }, 4000);
  const tv = await Device.connect(n2, { device: name });
  n3.thaw();
  await sleep(1500); // n3 has handled what lay there, and asked Redis
  await agreed(cluster, name, 'n2');
  assert.equal((await sender.send(name, 'here')).verdict, 'written');
  await until(() => tv.received.length === 1, 'the message');
  assert.equal(tv.end, undefined);
});
