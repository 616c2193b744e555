// SPDX-License-Identifier: Apache-2.0
// Nodes that find each other: one fleet, whichever node a device or a back end talks to.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { agreed, bounds, eventsOf, meshed, startCluster, watcher, settled } from './cluster_parts.mjs';
import { Device, formats } from './device.mjs';
import { sleep, until } from './harness.mjs';

test('three nodes form a cluster: every device is seen and reached from each of them', async (t) => {
  const cluster = await startCluster(t);
  const devices = await Promise.all(cluster.nodes.map((node, i) => Device.connect(node, { device: `d-${node.id}`, format: formats[i % 2] })));
  for (const node of cluster.nodes) await agreed(cluster, `d-${node.id}`, node.id);
  for (const [i, sender] of devices.entries())
    for (const [k, receiver] of devices.entries()) {
      const { verdict, via } = await sender.send(receiver.name, { i, k });
      assert.equal(verdict, 'written', `${sender.name} to ${receiver.name}`);
      assert.equal(via.node, cluster.nodes[k].id);
    }
  await until(() => devices.every((x) => x.received.length === 3), 'all nine');
  assert.equal((await devices[0].send('nobody', 1)).verdict, 'offline');
});

test('acked, keys, refusals and both formats work across nodes', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const [a, b] = cluster.nodes;
  const sender = await Device.connect(a, { device: 'sender', format: 'json' });
  const tv = await Device.connect(b, { device: 'tv', format: 'msgpack' });
  const stranger = await Device.connect(b, { device: 'stranger', account: 'other' });
  tv.onFrame = (frame) => frame.t === 'msg' && frame.ack && tv.ack(frame);
  assert.equal((await sender.send('tv', { n: [1, 2.5, null] }, { want: 'acked' })).verdict, 'acked');
  assert.deepEqual(tv.received, [{ n: [1, 2.5, null] }]);
  assert.equal((await sender.send('tv', 'x', { key: 'k' })).verdict, 'written');
  const again = await sender.send('tv', 'x', { key: 'k' });
  assert.deepEqual([again.verdict, again.first], ['duplicate', 'written']);
  assert.equal((await sender.send('stranger', 1)).verdict, 'refused');
  assert.deepEqual(stranger.received, []);
  assert.equal((await sender.send('tv', { $bin: 'not base64!' })).verdict, 'invalid');
  assert.equal((await sender.send('tv', 1, { ttl_ms: 0 })).verdict, 'expired');
});

test('a back end reaches every device through any node, singly, in a batch and by account', async (t) => {
  const cluster = await startCluster(t);
  const devices = await Promise.all(cluster.nodes.map((node) => Device.connect(node, { device: `d-${node.id}` })));
  for (const node of cluster.nodes) {
    for (const device of devices) {
      const { json } = await node.request('POST', `/v1/devices/${device.name}/messages`, { body: '"one"' });
      assert.equal(json.verdict, 'written');
    }
    const body = devices.map((x) => JSON.stringify({ to: x.name, data: 'batch' })).join('\n');
    const batch = await node.request('POST', '/v1/messages', { headers: { 'content-type': 'application/x-ndjson' }, body });
    assert.deepEqual(batch.text.trim().split('\n').map((x) => JSON.parse(x).verdict), ['written', 'written', 'written']);
    const account = await node.request('POST', '/v1/accounts/acme/messages', { body: '"all"' });
    assert.equal(account.text.trim().split('\n').filter((x) => JSON.parse(x).verdict === 'written').length, 3);
    const { json } = await node.request('GET', '/v1/accounts/acme/devices');
    assert.deepEqual(json.devices.map((x) => x.device).sort(), ['d-n1', 'd-n2', 'd-n3']);
  }
  await until(() => devices.every((x) => x.received.length === 9), 'three of each kind');
});

test('a watcher on one node hears of devices on all, once each, in order', async (t) => {
  const cluster = await startCluster(t);
  const watching = await watcher(cluster.node('n1'));
  for (let round = 0; round < 5; ++round)
    for (const node of cluster.nodes) {
      const device = await Device.connect(node, { device: `d-${node.id}` });
      if (round % 2) await device.drop();
      else await device.close();
    }
  for (const { id } of cluster.nodes) {
    await until(() => eventsOf(watching, `d-${id}`).length === 10, `ten events of d-${id}`);
    assert.deepEqual(eventsOf(watching, `d-${id}`), Array.from({ length: 10 }, (_, i) => (i % 2 ? 'offline' : 'online')));
  }
  await sleep(300);
  assert.equal(watching.frames('event').length, 30);
});

test('order holds for one sender to one device across nodes', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const tv = await Device.connect(cluster.node('n2'), { device: 'tv' });
  assert.equal((await sender.send('tv', 'first')).verdict, 'written'); // from now on there is a route
  const total = 20_000;
  const window = 200;
  const verdicts = [];
  sender.onFrame = (frame) => frame.t === 'verdict' && verdicts.push(frame.verdict);
  for (let i = 0; i < total; ++i) {
    sender.post('tv', i);
    while (i - verdicts.length >= window) await sleep(1);
  }
  await until(() => verdicts.length === total, 'a verdict each');
  assert.equal(verdicts.filter((x) => x !== 'written').length, 0);
  assert.deepEqual(tv.received, ['first', ...Array.from({ length: total }, (_, i) => i)]);
});

test('a node of another cluster name is refused, with a line that says why', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const stranger = await cluster.prepare('n3');
  cluster.nodes.push(stranger);
  await stranger.start({ cluster: 'another' });
  await settled(stranger);
  const [a, b] = cluster.nodes;
  const [tv, lost] = [await Device.connect(a, { device: 'tv' }), await Device.connect(stranger, { device: 'lost' })];
  assert.equal((await tv.send('lost', 1)).verdict, 'offline');
  assert.equal((await lost.send('tv', 1)).verdict, 'offline');
  // Now where each of the two looks for the other, there is the stranger.
  const ports = [a.peerPort, b.peerPort];
  a.peerPort = b.peerPort = stranger.peerPort;
  cluster.link('n1', 'n2').reset();
  await until(() => /refus[^\n]*(cluster|another)|another[^\n]*refus/i.test(a.log + b.log + stranger.log), 'the line', 10_000);
  assert.notEqual((await tv.send('lost', 2, { timeout_ms: 1000 })).verdict, 'written');
  [a.peerPort, b.peerPort] = ports;
  cluster.link('n1', 'n2').reset();
  const phone = await Device.connect(b, { device: 'phone' });
  await until(async () => (await tv.send('phone', 3, { timeout_ms: 1000 })).verdict === 'written', 'the right ones are back', 30_000);
  assert.deepEqual([lost.received, phone.received], [[], [3]]);
});

test('Redis away at start: not ready, with a line that says why, and ready once it is there', async (t) => {
  const cluster = await startCluster(t, { nodes: 1, directory: 'redis' });
  const late = await cluster.prepare('n2');
  cluster.nodes.push(late);
  cluster.link('n2', 'redis').cut();
  const started = late.start();
  await sleep(2000);
  assert.match(late.log, /[Rr]edis/);
  const { status, text } = await late.request('GET', '/readyz');
  assert.equal(status, 503);
  assert.match(text, /directory unavailable/);
  cluster.heal();
  await started;
  await cluster.formed(bounds.dead);
});

test('a node added to a running cluster is reached and reaches', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  const added = await cluster.prepare('n3');
  cluster.nodes.push(added);
  await added.start();
  await meshed(cluster);
  const phone = await Device.connect(added, { device: 'phone' });
  assert.equal((await phone.send('tv', 1)).verdict, 'written');
  assert.equal((await tv.send('phone', 1)).verdict, 'written');
  await agreed(cluster, 'tv', 'n1');
});
