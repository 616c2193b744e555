// SPDX-License-Identifier: Apache-2.0
// The process among others: its addresses, its descriptors, its admission, its signals.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { metric, Server, sleep, startAndFail, until } from './harness.mjs';
import { Device } from './device.mjs';
import { RawSocket } from './raw.mjs';

test('a second daemon on either address is refused and says which; the first one goes on', async (t) => {
  const server = await Server.start(t);
  for (const taken of [
    { deviceListen: server.device, apiListen: '127.0.0.1:0' },
    { deviceListen: '127.0.0.1:0', apiListen: server.api },
  ]) {
    const { code, stderr } = await startAndFail({ ...taken, devAuth: true });
    assert.equal(code, 1);
    assert.match(stderr, /127\.0\.0\.1:\d+ is in use by another process/);
  }
  const tv = await Device.connect(server, { device: 'tv' });
  assert.equal((await tv.send('tv', 1)).verdict, 'written');
});

test('an address of a daemon that ended is free again at once', async (t) => {
  const first = await Server.start(t);
  const { device, api } = first;
  const tv = await Device.connect(first, { device: 'tv' });
  await Promise.all([first.stop(), tv.closed]);
  const second = await Server.start(t, { deviceListen: device, apiListen: api });
  assert.equal(second.device, device);
  assert.equal((await (await Device.connect(second, { device: 'tv' })).send('tv', 1)).verdict, 'written');
});

test('wrong settings are refused at start with a code and the value', async () => {
  for (const [settings, says] of [
    [{ deviceListen: 'nonsense' }, /nonsense/],
    [{ deviceListen: '127.0.0.1:99999' }, /99999/],
    [{ loops: 0 }, /loops/],
    [{ stallTimeout: '5 parsecs' }, /parsecs/],
    [{ devAuth: true, deviceListen: '0.0.0.0:0' }, /loopback/],
    [{ noSuchFlag: 1 }, /no-such-flag/],
  ]) {
    const { code, stderr } = await startAndFail({ apiListen: '127.0.0.1:0', ...settings });
    assert.ok(code === 1 || code === 2, `${JSON.stringify(settings)}: ${code}`);
    assert.match(stderr, says);
  }
});

test('out of descriptors it rests instead of spinning, says so, serves who is there, and recovers', async (t) => {
  const server = await Server.start(t, { loops: 2, authTimeout: '5m' }, { shell: 'ulimit -n 64' });
  const a = await Device.connect(server, { device: 'a' });
  const b = await Device.connect(server, { device: 'b' });
  const crowd = await Promise.all(Array.from({ length: 120 }, () => RawSocket.open(t, server.device)));
  await until(() => /accept\.failed/.test(server.stderr), 'a line in the log');
  await sleep(300);
  const before = server.cpuSeconds();
  await sleep(2000);
  const used = server.cpuSeconds() - before;
  assert.ok(used < 0.3, `${used} s of CPU in 2 s without a descriptor`);
  const lines = server.stderr.match(/accept\.failed/g).length;
  assert.ok(lines <= 20, `${lines} lines in the log`);
  assert.match(server.stderr, /Too many open files/);
  for (let i = 0; i < 50; ++i) assert.equal((await a.send('b', i)).verdict, 'written');
  await until(() => b.received.length === 50, 'all of them');
  for (const raw of crowd) raw.reset();
  const late = await Device.connect(server, { device: 'late' });
  assert.equal((await a.send('late', 1)).verdict, 'written');
  await late.close();
});

test('the soft limit of descriptors is raised to the hard one, and what that allows is said', async (t) => {
  const server = await Server.start(t, {}, { shell: 'ulimit -Sn 64; ulimit -Hn 1000' });
  assert.match(server.stderr, /descriptors=1000 max_devices=872/);
  const limits = readFileSync(`/proc/${server.pid}/limits`, 'utf8');
  assert.match(limits, /^Max open files +1000 +1000 /m);
});

test('over the accept rate a handshake gets 503 with Retry-After, and later comes through', async (t) => {
  const server = await Server.start(t, { acceptRate: 20 });
  const tries = await Promise.all(
    Array.from({ length: 100 }, (_, i) => {
      const device = new Device(server, { device: `d${i}` });
      return device.welcomed.then(() => 'in', () => device.opened).then((x) => x, (error) => error);
    }),
  );
  const refused = tries.filter((x) => x !== 'in');
  assert.ok(refused.length > 20 && refused.length < 95, `${refused.length} of 100 refused`);
  for (const { status, headers } of refused) {
    assert.equal(status, 503);
    const seconds = Number(headers['retry-after']);
    assert.ok(seconds >= 1 && seconds <= 30);
  }
  assert.ok(new Set(refused.map((x) => x.headers['retry-after'])).size > 1, 'with jitter');
  assert.ok((await metric(server, 'stentor_rejected_total', { reason: 'admission' })) >= refused.length);
  await sleep(1000);
  await Device.connect(server, { device: 'patient' });
});

test('SIGINT drains like SIGTERM; SIGPIPE, SIGHUP, SIGUSR1 and SIGUSR2 leave the node as it is', async (t) => {
  const server = await Server.start(t);
  const tv = await Device.connect(server, { device: 'tv' });
  for (const signal of ['SIGPIPE', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
    server.process.kill(signal);
    assert.equal((await tv.send('tv', signal)).verdict, 'written', signal);
  }
  await until(() => /signal\.ignored signal=SIGHUP hint=/.test(server.stderr), 'the line about SIGHUP');
  server.process.kill('SIGINT');
  await tv.find('goaway');
  await tv.close();
  assert.deepEqual(await server.exited, { code: 0, signal: null });
});

test('a second SIGTERM ends a drain that waits for a device', async (t) => {
  const server = await Server.start(t, { drainOver: '30s', goawayGrace: '30s' });
  for (let i = 0; i < 20; ++i) await Device.connect(server, { device: `d${i}` });
  server.process.kill('SIGTERM');
  await until(() => /node draining by=SIGTERM/.test(server.stderr), 'the drain');
  const began = Date.now();
  server.process.kill('SIGTERM');
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  assert.match(server.stderr, /drain\.hurried/);
});

test('an idle node with idle devices sleeps', async (t) => {
  const server = await Server.start(t);
  for (let i = 0; i < 50; ++i) await Device.connect(server, { device: `d${i}` });
  await sleep(500);
  const before = server.cpuSeconds();
  await sleep(3000);
  const used = server.cpuSeconds() - before;
  assert.ok(used < 0.1, `${used} s of CPU in 3 idle seconds`);
});
