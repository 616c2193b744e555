// SPDX-License-Identifier: Apache-2.0
// A device that comes back on another node: takeover, resume, and the late ends that must change nothing.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { agreed, bounds, eventsOf, meshed, records, slack, startCluster, timed, watcher } from './cluster_parts.mjs';
import { Device, formats } from './device.mjs';
import { sleep, until } from './harness.mjs';
import { openWebSocket } from './raw.mjs';

const superseded = 4100;

test('a connection to another node takes over: the old one is closed with 4100 within a second', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n3'), { device: 'sender' });
  let old = await Device.connect(cluster.node('n1'), { device: 'tv' });
  for (let i = 0; i < 20; ++i) {
    const node = cluster.nodes[(i + 1) % 3];
    const fresh = await Device.connect(node, { device: 'tv', format: formats[i % 2] });
    const { value, ms } = await timed(old.closed);
    assert.equal(value.code, superseded);
    assert.ok(ms <= bounds.takeover + slack, `closed after ${ms} ms`);
    const { verdict, via } = await sender.send('tv', i);
    assert.deepEqual([verdict, via.node], ['written', node.id]);
    await until(() => fresh.received.length === 1, 'the message');
    await agreed(cluster, 'tv', node.id);
    old = fresh;
  }
});

test('the late end of an old connection never removes the new record, whichever way it ends', async (t) => {
  const cluster = await startCluster(t, { nodes: 2, settings: { closeLinger: '300ms' } });
  const [a, b] = cluster.nodes;
  const sender = await Device.connect(a, { device: 'sender' });
  const ends = { reset: (old) => old.reset(), 'end of stream': (old) => old.end(), 'a close frame': (old) => old.frame(8, Buffer.from([0x03, 0xe8])), silence: () => {} };
  for (const [what, finish] of Object.entries(ends))
    for (let round = 0; round < 4; ++round) {
      const old = await openWebSocket(t, a.server, { device: 'tv' });
      await old.text((frame) => frame.t === 'welcome');
      const fresh = await Device.connect(b, { device: 'tv' });
      await sleep(round * 30);
      finish(old);
      await sleep(50);
      assert.equal((await sender.send('tv', what)).verdict, 'written', what);
      await old.ended;
      assert.equal((await sender.send('tv', what)).verdict, 'written', `${what}, when it is over`);
      await agreed(cluster, 'tv', 'n2');
      await fresh.close();
    }
});

test('of two connections to two nodes at the same instant exactly one survives, and all agree which', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n3'), { device: 'sender' });
  for (let round = 0; round < 50; ++round) {
    const both = [0, 1].map((i) => new Device(cluster.nodes[(round + i) % 3], { device: 'tv' }));
    const loser = await Promise.race(both.map((x) => x.closed.then(() => x)));
    assert.equal(loser.end.code, superseded);
    const winner = both.find((x) => x !== loser);
    await winner.find('welcome');
    await agreed(cluster, 'tv', winner.server.id);
    assert.equal((await sender.send('tv', round)).verdict, 'written', `round ${round}`);
    await until(() => winner.received.length === 1, `message ${round}`);
    await winner.drop();
  }
});

test('a device that closes and comes back on another node at once is never lost from the directory', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  for (let round = 0; round < 100; ++round) {
    const node = cluster.nodes[round % 3];
    const tv = await Device.connect(node, { device: 'tv' });
    assert.equal((await sender.send('tv', round)).verdict, 'written', `round ${round}`);
    await until(() => tv.received.length === 1, `message ${round}`);
    if (round % 2) tv.socket.terminate();
    else tv.socket.close();
    await sleep(round % 5);
  }
});

test('a resume on another node brings the unacked messages first, same ids, in order, and nothing twice', async (t) => {
  const cluster = await startCluster(t);
  const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
  let tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  for (let round = 0; round < 12; ++round) {
    const verdicts = Array.from({ length: 10 }, (_, i) => sender.send('tv', { round, i }, { want: 'acked', timeout_ms: 20_000 }));
    const mine = () => tv.frames('msg').filter((x) => x.data.round === round);
    await until(() => mine().length === 10, 'ten messages');
    tv.ack(mine()[3]);
    assert.equal((await verdicts[3]).verdict, 'acked');
    const unacked = mine().filter((_, i) => i !== 3).map(({ id, data }) => ({ id, data }));
    const before = tv;
    if (round % 3 === 1) await before.drop();
    if (round % 3 === 2) await before.close();
    tv = await Device.connect(cluster.nodes[(round + 1) % 3], { device: 'tv', format: formats[round % 2], resume: before.welcome.session });
    assert.equal(tv.welcome.resumed, true, `round ${round}`);
    assert.equal((await sender.send('tv', { round, news: true })).verdict, 'written');
    await until(() => mine().length === 10, 'nine again and one more');
    assert.deepEqual(mine().slice(0, 9).map(({ id, data }) => ({ id, data })), unacked);
    assert.equal(mine()[9].data.news, true);
    for (const frame of mine()) if (frame.ack) tv.ack(frame);
    for (const verdict of await Promise.all(verdicts)) assert.equal(verdict.verdict, 'acked');
  }
});

test('verdicts owed to a sender reach it on the node where it resumes', async (t) => {
  const cluster = await startCluster(t);
  const tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  for (let round = 0; round < 6; ++round) {
    const before = await Device.connect(cluster.nodes[round % 3], { device: 'sender' });
    const id = before.post('tv', { round }, { want: 'acked', timeout_ms: 20_000 });
    const got = await tv.find((x) => x.t === 'msg' && x.data.round === round);
    await before.drop();
    const resumed = Device.connect(cluster.nodes[(round + 1) % 3], { device: 'sender', resume: before.welcome.session });
    if (round % 2) await resumed;
    tv.ack(got);
    const sender = await resumed;
    assert.equal(sender.welcome.resumed, true);
    assert.equal((await sender.find((x) => x.t === 'verdict' && x.id === id)).verdict, 'acked', `round ${round}`);
    await sender.close();
    assert.equal(sender.frames('verdict').length, 1);
  }
});

test('a sender that moved is told that nothing is known once there is no link to the node it left, and nothing more', async (t) => {
  const cluster = await startCluster(t);
  const tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  const before = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const id = before.post('tv', 'hello', { want: 'acked', timeout_ms: 20_000 });
  const got = await tv.find((x) => x.t === 'msg');
  await before.drop();
  const sender = await Device.connect(cluster.node('n2'), { device: 'sender', resume: before.welcome.session });
  assert.equal(sender.welcome.resumed, true);
  cluster.link('n1', 'n2').cut();
  const { value, ms } = await timed(sender.find((x) => x.t === 'verdict' && x.id === id));
  assert.equal(value.verdict, 'unreachable');
  assert.ok(ms <= bounds.suspect + slack, `${ms} ms`);
  tv.ack(got);
  cluster.link('n1', 'n2').heal();
  await meshed(cluster);
  assert.equal(sender.frames('verdict').length, 1);
});

test('a sender that moved hears one verdict of each message, in time, when the node it left is killed', async (t) => {
  const cluster = await startCluster(t);
  const silent = await Device.connect(cluster.node('n3'), { device: 'silent' });
  const before = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const sent = Date.now();
  const timeouts = [1500, 3000, 6000];
  const ids = timeouts.map((timeout_ms, i) => before.post('silent', i, { want: 'acked', timeout_ms }));
  await until(() => silent.received.length === ids.length, 'the messages');
  await before.close();
  const sender = await Device.connect(cluster.node('n2'), { device: 'sender', resume: before.welcome.session });
  assert.equal(sender.welcome.resumed, true);
  await cluster.node('n1').kill9();
  for (const [i, id] of ids.entries()) {
    assert.equal((await sender.find((x) => x.t === 'verdict' && x.id === id)).verdict, 'unreachable');
    const ms = Date.now() - sent;
    assert.ok(ms <= timeouts[i] + 1000 + slack, `message ${i} after ${ms} ms`);
  }
  for (const frame of silent.frames('msg')) silent.ack(frame);
  await sleep(1000);
  assert.deepEqual(sender.frames('verdict').map((x) => x.id).sort(), ids.map(String).sort());
  assert.equal(before.frames('verdict').length, 0);
});

test('a sender that moved is told within the timeout and a second where the node it left stands still', async (t) => {
  const cluster = await startCluster(t);
  const silent = await Device.connect(cluster.node('n3'), { device: 'silent' });
  const before = await Device.connect(cluster.node('n1'), { device: 'sender' });
  const id = before.post('silent', 'hello', { want: 'acked', timeout_ms: 2000 });
  const sent = Date.now();
  const got = await silent.find((x) => x.t === 'msg');
  await before.close();
  const sender = await Device.connect(cluster.node('n2'), { device: 'sender', resume: before.welcome.session });
  assert.equal(sender.welcome.resumed, true);
  cluster.node('n1').freeze();
  assert.equal((await sender.find((x) => x.t === 'verdict' && x.id === id)).verdict, 'unreachable');
  assert.ok(Date.now() - sent <= 3000 + slack, `${Date.now() - sent} ms`);
  silent.ack(got);
  cluster.node('n1').thaw();
  await sleep(2000);
  assert.equal(sender.frames('verdict').length, 1);
});

test('a resume of a session whose node was killed says resumed:false, within a second', async (t) => {
  const cluster = await startCluster(t);
  const tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  await cluster.node('n1').kill9();
  const { value, ms } = await timed(Device.connect(cluster.node('n2'), { device: 'tv', resume: tv.welcome.session }));
  assert.equal(value.welcome.resumed, false);
  assert.ok(ms <= 1000 + slack, `${ms} ms`);
  await agreed(cluster, 'tv', 'n2');
});

test('each bind is one online and one offline for a watcher, however the device moves', async (t) => {
  const cluster = await startCluster(t);
  const watching = await watcher(cluster.node('n2'));
  let tv = await Device.connect(cluster.node('n1'), { device: 'tv' });
  for (let round = 0; round < 15; ++round) {
    const resume = round % 2 ? tv.welcome.session : undefined;
    if (round % 3 === 1) await tv.drop();
    if (round % 3 === 2) await tv.close();
    tv = await Device.connect(cluster.nodes[round % 3], { device: 'tv', resume });
  }
  await tv.close();
  await until(() => eventsOf(watching, 'tv').length >= 32, '16 times each');
  await sleep(500);
  const seen = new Map();
  for (const { kind, epoch } of watching.frames('event').filter((x) => x.device === 'tv'))
    seen.set(epoch, [...(seen.get(epoch) ?? []), kind]);
  assert.equal(seen.size, 16);
  for (const [epoch, told] of seen) assert.deepEqual(told, ['online', 'offline'], `epoch ${epoch}`);
  assert.deepEqual(Object.values(await records(cluster, 'tv')), [null, null, null]);
});

test('with the link cut the old connection is closed within two seconds, by way of Redis', async (t) => {
  const cluster = await startCluster(t, { nodes: 2 });
  const old = await Device.connect(cluster.node('n1'), { device: 'tv' });
  cluster.link('n1', 'n2').cut();
  await Device.connect(cluster.node('n2'), { device: 'tv' });
  const { value, ms } = await timed(old.closed);
  assert.equal(value.code, superseded);
  assert.ok(ms <= bounds.takeoverCut + slack, `${ms} ms`);
});
