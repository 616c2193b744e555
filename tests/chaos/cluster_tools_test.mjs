// SPDX-License-Identifier: Apache-2.0
// The cluster's tools against nodes that only measure their roads: what a fault hits, what it leaves alone, and that
// healing heals.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { sleep, until } from '../system/node/harness.mjs';
import { Cluster } from './cluster.mjs';
import { Link, Proxy } from './proxy.mjs';

const program = [process.execPath, new URL('fake_node.mjs', import.meta.url).pathname];
const start = (t) => Cluster.start(t, { nodes: 3, program });

/** Round trips of a node to its peers and Redis in milliseconds, null where it has none. */
async function roads(cluster, id) {
  const known = new URLSearchParams(cluster.nodes.map((x) => [x.id, x.peerProxy.address]));
  return (await cluster.node(id).request('GET', `/?${known}`)).json;
}

const open = (trips) => Object.entries(trips).filter(([, ms]) => ms !== null).map(([name]) => name).sort();

test('every road is open at first, and each is told apart', async (t) => {
  const cluster = await start(t);
  // A road is looked up when it is first used, which takes the proxy long where the machine is busy.
  for (const id of ['n1', 'n3']) await until(async () => open(await roads(cluster, id)).length === 3, 'the first round');
  assert.deepEqual(open(await roads(cluster, 'n1')), ['n2', 'n3', 'redis']);
  assert.deepEqual(open(await roads(cluster, 'n3')), ['n1', 'n2', 'redis']);
  for (const node of cluster.nodes) assert.equal(node.peerProxy.refused, 0);
  assert.equal(await cluster.redis.command('SET', 'a', 'b'), 'OK');
  assert.deepEqual(await cluster.redis.command('MGET', 'a', 'none'), ['b', null]);
});

for (const fault of ['cut', 'stall'])
  test(`a ${fault} between two nodes hits both ways between them and nothing else, and heals`, async (t) => {
    const cluster = await start(t);
    await Promise.all(cluster.nodes.map((x) => roads(cluster, x.id)));
    cluster.link('n1', 'n2')[fault]();
    assert.deepEqual(open(await roads(cluster, 'n1')), ['n3', 'redis']);
    assert.deepEqual(open(await roads(cluster, 'n2')), ['n3', 'redis']);
    assert.deepEqual(open(await roads(cluster, 'n3')), ['n1', 'n2', 'redis']);
    cluster.heal();
    for (const id of ['n1', 'n2']) await until(async () => open(await roads(cluster, id)).length === 3, 'the road is back');
  });

test('Redis away from one node, slow for one, killed for all, empty when it is back', async (t) => {
  const cluster = await start(t);
  cluster.link('n1', 'redis').cut();
  cluster.link('n2', 'redis').slow(150);
  assert.deepEqual(open(await roads(cluster, 'n1')), ['n2', 'n3']);
  assert.ok((await roads(cluster, 'n2')).redis >= 300);
  assert.ok((await roads(cluster, 'n3')).redis < 150);
  cluster.heal();
  await cluster.redis.command('SET', 'a', 'b');
  cluster.redis.pause();
  assert.deepEqual(open(await roads(cluster, 'n3')), ['n1', 'n2']);
  cluster.redis.resume();
  assert.equal(await cluster.redis.command('GET', 'a'), 'b');
  await cluster.redis.kill9();
  assert.deepEqual(open(await roads(cluster, 'n3')), ['n1', 'n2']);
  await cluster.redis.restart();
  assert.equal(await cluster.redis.command('GET', 'a'), null);
  assert.deepEqual(open(await roads(cluster, 'n1')), ['n2', 'n3', 'redis']);
});

test('an isolated node keeps its API and loses everything else', async (t) => {
  const cluster = await start(t);
  cluster.isolate('n2');
  assert.deepEqual(open(await roads(cluster, 'n2')), []);
  assert.deepEqual(open(await roads(cluster, 'n1')), ['n3', 'redis']);
  cluster.rejoin('n2');
  await until(async () => open(await roads(cluster, 'n2')).length === 3, 'all roads are back');
});

test('a killed node is gone at once, a frozen one answers after its thaw, a drained one ends with 0', async (t) => {
  const cluster = await start(t);
  const [a, b, c] = cluster.nodes;
  const { device, api } = a;
  await a.kill9();
  assert.deepEqual(open(await roads(cluster, 'n2')), ['n3', 'redis']);
  await a.start();
  assert.deepEqual({ device: a.device, api: a.api }, { device, api });
  assert.deepEqual(open(await roads(cluster, 'n1')), ['n2', 'n3', 'redis']);
  b.freeze();
  const late = roads(cluster, 'n2');
  assert.equal(await Promise.race([late, sleep(300, 'nothing')]), 'nothing');
  b.thaw();
  assert.deepEqual(open(await late), ['n1', 'n3', 'redis']);
  await c.drain();
  assert.equal(c.state, 'down');
  assert.deepEqual(cluster.crashes, []);
});

test('a stalled link delivers what waited when it heals, in order, the end included', async (t) => {
  const server = net.createServer((socket) => socket.on('error', () => {}).on('data', (x) => (got += x)).on('end', () => (ended = true)));
  let got = '';
  let ended = false;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const link = new Link();
  const proxy = await Proxy.listen(t, { link: () => link, target: () => ({ host: '127.0.0.1', port: server.address().port }) });
  const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {}); // the proxy's own end resets it
  socket.write('one ');
  await until(() => got === 'one ', 'the first bytes');
  link.stall();
  socket.end('two ' + 'x'.repeat(300_000));
  await sleep(100);
  assert.equal(got, 'one ');
  assert.equal(ended, false);
  link.heal();
  await until(() => ended, 'the end');
  assert.equal(got, 'one two ' + 'x'.repeat(300_000));
});
