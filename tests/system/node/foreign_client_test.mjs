// SPDX-License-Identifier: Apache-2.0
// What a client by strangers sees (node's `ws`, a MessagePack library): every frame, every verdict a sender can meet,
// both formats and every way across them. docs/protocol.md is the text.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { encode, ExtData } from '@msgpack/msgpack';
import { Server, sleep, until } from './harness.mjs';
import { Device, formats } from './device.mjs';
import { frame, openWebSocket } from './raw.mjs';

test('a welcome says who the device is and what holds', async (t) => {
  const server = await Server.start(t, { messageRate: 20, messageBurst: 40, maxFrameBytes: '32KiB', pingInterval: '7s', maxTimeout: '9s' });
  for (const format of formats) {
    const { welcome, socket } = await Device.connect(server, { device: 'phone-1', account: 'alice', format });
    assert.equal(socket.protocol, `stentor.v1.${format}`);
    const { session, ...rest } = welcome;
    assert.deepEqual(rest, {
      t: 'welcome', device: 'phone-1', account: 'alice', resumed: false, heartbeat_ms: 7000,
      limits: { max_frame_bytes: 32768, rate_per_s: 20, burst: 40, max_timeout_ms: 9000 },
    });
    assert.match(session, /^[\w-]{20,128}$/);
  }
  const plain = await Device.connect(server, { device: 'plain', protocols: [] });
  assert.equal(plain.socket.protocol, '', 'without a subprotocol it is JSON');
  assert.equal((await plain.send('plain', 1)).verdict, 'written');
  const both = await Device.connect(server, { device: 'both', protocols: ['chat', 'stentor.v1.json', 'stentor.v1.msgpack'] });
  assert.equal(both.socket.protocol, 'stentor.v1.json', 'the first one offered that we speak');
  assert.equal((await Device.connect(server, { device: 'x' })).welcome.account, 'acme');
  await assert.rejects(new Device(server, { device: 'y', protocols: ['chat'] }).opened, { status: 400 });
});

for (const loops of [1, 2, 4])
  for (const from of formats)
    for (const to of formats)
      test(`messages from ${from} to ${to} arrive as sent with a true verdict, ${loops} loops`, async (t) => {
        const server = await Server.start(t, { loops });
        const payloads = [
          null, true, false, 0, -1, 42, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1, 1.5, -0.25, 1e300, '', 'text', 'ünï✓💡', '"\\\n\t\u0001',
          [], {}, [1, [2, [3]]], { a: 1, b: { c: [null, 'x'] } }, 'x'.repeat(60_000), Array.from({ length: 500 }, (_, i) => i),
        ];
        for (let round = 0; round < 3; ++round) {
          const a = await Device.connect(server, { device: 'a', format: from });
          const b = await Device.connect(server, { device: 'b', format: to });
          for (const [i, data] of payloads.entries()) {
            const { us, via, ...verdict } = await a.send('b', data, { id: `id-${i}` });
            assert.deepEqual(verdict, { t: 'verdict', id: `id-${i}`, verdict: 'written' });
            assert.equal(via.node, 'test-node');
            assert.ok(us.total >= us.target && us.total < 5_000_000);
          }
          await until(() => b.received.length === payloads.length);
          assert.deepEqual(b.received, payloads);
          const ids = b.frames('msg').map((x) => x.id);
          assert.ok(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id)) && new Set(ids).size === ids.length);
          assert.deepEqual(ids, [...ids].sort(), 'ids sort by time');
          assert.ok(b.frames('msg').every((x) => x.from === 'a' && x.ack === undefined));
          await Promise.all([a.close(), b.close()]);
        }
      });

test('payloads cross formats by the table, and what has no image is invalid', async (t) => {
  const server = await Server.start(t);
  const json = await Device.connect(server, { device: 'json' });
  const pack = await Device.connect(server, { device: 'pack', format: 'msgpack' });
  const last = async (device, verdict) => (await device.find((x) => x.t === 'msg' && !x.seen && (x.seen = true)), verdict);
  // MessagePack to JSON.
  const there = [
    [new Uint8Array([1, 2, 255]), { $bin: 'AQL/' }], [new Uint8Array(0), { $bin: '' }],
    [{ $bin: 'AQL/' }, { $$bin: 'AQL/' }], [{ $$bin: 'x' }, { $$$bin: 'x' }], [{ $bin: 1 }, { $bin: 1 }],
    [{ a: new Uint8Array([0]) }, { a: { $bin: 'AA==' } }], [[-(2 ** 31), 255, 65536], [-(2 ** 31), 255, 65536]],
  ];
  for (const [data, image] of there) {
    assert.equal((await pack.send('json', data)).verdict, 'written');
    await last(json);
    assert.deepEqual(json.received.at(-1), image);
  }
  // JSON to MessagePack.
  for (const [data, image] of there) {
    assert.equal((await json.send('pack', image)).verdict, 'written');
    await last(pack);
    const got = pack.received.at(-1);
    assert.deepEqual(got instanceof Uint8Array ? new Uint8Array(got) : got.a instanceof Uint8Array ? { a: new Uint8Array(got.a) } : got, data);
  }
  // Exact integers beyond a double: looked at as bytes.
  const exact = await openWebSocket(t, server, { device: 'exact', account: 'acme' });
  await exact.text((x) => x.t === 'welcome');
  const ints = { '-9223372036854775808': -(2n ** 63n), '18446744073709551615': 2n ** 64n - 1n, '9007199254740993': 2n ** 53n + 1n };
  for (const [text, value] of Object.entries(ints)) {
    pack.socket.send(Buffer.concat([Buffer.from([0x84]), ...['t', 'send', 'id', 'e', 'to', 'exact', 'data'].map((x) => Buffer.from(encode(x))), Buffer.from(encode(value, { useBigInt64: true }))]));
    await exact.wait(() => exact.frames.some((x) => x.body.includes(`"data":${text}}`)), text);
  }
  // No image.
  const none = [new ExtData(7, new Uint8Array(3)), new Date(0), NaN, Infinity, -Infinity, [[new ExtData(1, new Uint8Array(1))]]];
  for (const data of none) {
    const verdict = await pack.send('json', data);
    assert.equal(verdict.verdict, 'invalid');
    assert.equal(verdict.detail, 'not representable');
    assert.equal((await pack.send('pack', data)).verdict, 'written', 'the same format is opaque');
  }
  for (const text of ['1e999', '123456789012345678901234567890', '{"$bin":"not base64"}', '{"$bin":"AQ="}']) {
    json.socket.send(`{"t":"send","id":"n","to":"pack","data":${text}}`);
    assert.equal((await json.next('verdict')).verdict, 'invalid', text);
  }
  // Between devices of one format not a byte changes.
  json.socket.send('{"t":"send","id":"w","to":"exact","data": {"b":1,  "b":2.50 , "$bin":7} }');
  await exact.wait(() => exact.frames.some((x) => x.body.includes('{"b":1,  "b":2.50 , "$bin":7}')), 'white space and repeated keys');
});

test('verdicts: offline, refused, invalid, expired, limited, acked, and want decides which are told', async (t) => {
  const server = await Server.start(t, { messageRate: 100, messageBurst: 200, maxFrameBytes: '16KiB' });
  for (const format of formats) {
    const a = await Device.connect(server, { device: 'a', format });
    const b = await Device.connect(server, { device: 'b', format });
    const c = await Device.connect(server, { device: 'c', account: 'other', format });
    const told = async (...args) => (await a.send(...args)).verdict;
    assert.equal(await told('nobody', 1), 'offline');
    assert.equal(await told('c', 1), 'refused');
    assert.equal(await told({ account: 'other' }, 1), 'refused');
    assert.equal(await told('b', 1, { ttl_ms: 0 }), 'expired');
    assert.equal(await told('b', 1, { ttl_ms: 60_000 }), 'written');
    assert.equal(await told('b', 'x'.repeat(16_384 - { json: 60, msgpack: 40 }[format])), 'invalid', 'larger with the ids of the receiver');
    const acked = a.send('b', 'ack me', { want: 'acked' });
    const message = await b.find((x) => x.data === 'ack me');
    assert.equal(message.ack, true);
    await sleep(50);
    assert.equal(a.frames('verdict').at(-1).verdict, 'invalid', 'not told before the ack');
    b.ack(message);
    assert.equal((await acked).verdict, 'acked');
    b.ack(message); // once more: ignored
    const never = await a.send('b', 'never acked', { want: 'acked', timeout_ms: 300 });
    assert.deepEqual([never.verdict, never.at], ['unreachable', 'written']);
    const count = a.frames('verdict').length;
    for (const want of ['none', 'errors']) a.post('b', want, { want });
    a.post('nobody', 1, { want: 'none' });
    assert.equal(await told('nobody', 1, { want: 'errors' }), 'offline');
    await b.find((x) => x.data === 'errors');
    a.write({ t: 'send', to: 'b', want: 'none', data: 'without an id' });
    await b.find((x) => x.data === 'without an id');
    assert.equal(a.frames('verdict').length, count + 1);
    const flood = await Promise.all(Array.from({ length: 300 }, () => told('a', 1)));
    assert.ok(flood.filter((x) => x === 'limited').length >= 50);
    assert.ok(flood.every((x) => x === 'limited' || x === 'written' || x === 'congested'));
    assert.deepEqual(c.received, []);
    await Promise.all([a.close(), b.close(), c.close()]);
  }
});

test('past the bounds of what a device leaves unconfirmed messages are congested, acks make room', async (t) => {
  const server = await Server.start(t, { maxUnackedMessages: 5 });
  const a = await Device.connect(server, { device: 'a' });
  const b = await Device.connect(server, { device: 'b' });
  const first = Array.from({ length: 5 }, (_, i) => a.send('b', i, { want: 'acked' }));
  await until(() => b.received.length === 5);
  assert.equal((await a.send('b', 5, { want: 'acked' })).verdict, 'congested');
  assert.equal((await a.send('b', 6)).verdict, 'written', 'what needs no ack goes on');
  b.ack(b.frames('msg')[2]);
  assert.equal((await first[2]).verdict, 'acked');
  const next = a.send('b', 7, { want: 'acked' });
  await b.find((x) => x.data === 7);
  for (const x of b.frames('msg')) if (x.ack) b.ack(x);
  for (const x of [...first, next]) assert.equal((await x).verdict, 'acked');
  assert.ok(!b.received.includes(5));
});

test('idempotency keys: a duplicate tells the first verdict, another body is invalid, a failure frees the key', async (t) => {
  const server = await Server.start(t);
  const a = await Device.connect(server, { device: 'a' });
  const other = await Device.connect(server, { device: 'other' });
  assert.equal((await a.send('b', 1, { key: 'k' })).verdict, 'offline');
  const b = await Device.connect(server, { device: 'b' });
  const first = await a.send('b', 1, { key: 'k' });
  assert.equal(first.verdict, 'written', 'offline did not take the key');
  const second = await a.send('b', 1, { key: 'k' });
  assert.deepEqual([second.verdict, second.first, second.via], ['duplicate', 'written', first.via]);
  assert.equal((await a.send('b', 2, { key: 'k' })).verdict, 'invalid');
  assert.equal((await other.send('b', 3, { key: 'k' })).verdict, 'written', "another sender's key is another key");
  const open = a.send('b', 4, { key: 'open', want: 'acked' });
  await b.find((x) => x.data === 4);
  const meanwhile = await a.send('b', 4, { key: 'open' });
  assert.deepEqual([meanwhile.verdict, meanwhile.first], ['duplicate', 'written'], 'it was, the ack is still to come');
  b.ack(b.frames('msg').at(-1));
  assert.equal((await open).verdict, 'acked');
  assert.equal((await a.send('b', 4, { key: 'open' })).first, 'acked');
  await until(() => b.received.length >= 3);
  assert.deepEqual(b.received, [1, 3, 4]);
});

test('an account message reaches every device of the account once, with one verdict and a row for each', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const names = ['d0', 'd1', 'd2', 'd3', 'd4'];
  const devices = [];
  for (const [i, device] of names.entries()) devices.push(await Device.connect(server, { device, account: 'home', format: formats[i % 2] }));
  const stranger = await Device.connect(server, { device: 'stranger' });
  const all = await devices[0].send({ account: 'home' }, { n: 1 });
  assert.equal(all.verdict, 'written');
  assert.deepEqual(all.devices.map((x) => x.device).sort(), names);
  assert.ok(all.devices.every((x) => x.verdict === 'written' && x.via.node === 'test-node'));
  const others = await devices[0].send({ account: 'home', except_me: true }, { n: 2 });
  assert.deepEqual(others.devices.map((x) => x.device).sort(), names.slice(1));
  const acked = devices[1].send({ account: 'home', except_me: true }, { n: 3 }, { want: 'acked', timeout_ms: 600 });
  for (const device of devices) if (device.name !== 'd1') await device.find((x) => x.data?.n === 3);
  for (const device of devices) if (device.name !== 'd4') device.frames('msg').forEach((x) => x.ack && device.ack(x));
  const mixed = await acked;
  assert.equal(mixed.verdict, 'unreachable', 'the worst of them');
  assert.deepEqual(Object.fromEntries(mixed.devices.map((x) => [x.device, x.verdict])), { d0: 'acked', d2: 'acked', d3: 'acked', d4: 'unreachable' });
  for (const device of devices.slice(1)) await device.close();
  const there = async () => (await server.request('GET', '/v1/accounts/home/devices')).json.devices.length;
  await until(async () => (await there()) === 1, 'the others to be gone from the directory');
  const alone = await devices[0].send({ account: 'home', except_me: true }, { n: 4 });
  assert.deepEqual([alone.verdict, alone.devices], ['offline', []]);
  assert.deepEqual(devices[2].received.map((x) => x.n), [1, 2, 3]);
  assert.deepEqual(stranger.received, []);
});

test('devices lists the own account, exactly who is there', async (t) => {
  const server = await Server.start(t);
  const a = await Device.connect(server, { device: 'a' });
  const b = await Device.connect(server, { device: 'b', format: 'msgpack' });
  await Device.connect(server, { device: 'c', account: 'other' });
  const list = async () => (a.write({ t: 'devices' }), (await a.next('devices')).devices.sort());
  assert.deepEqual(await list(), ['a', 'b']);
  await b.drop();
  await until(async () => (await list()).length === 1, 'b to be gone');
  const again = await Device.connect(server, { device: 'b' });
  const over = await Device.connect(server, { device: 'b' });
  await again.closed;
  assert.deepEqual(await list(), ['a', 'b']);
  await over.close();
});

test('a watcher sees exactly one online and one offline for each bind, and nothing after unwatch', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const watcher = await Device.connect(server, { device: 'watcher', format: 'msgpack' });
  watcher.write({ t: 'watch' });
  watcher.write({ t: 'watch' }); // twice is once
  await until(async () => (await (await Device.connect(server, { device: 'probe' })).close()) && watcher.frames('event').length, 'the watch');
  await Device.connect(server, { device: 'elsewhere', account: 'other' });
  let tv;
  for (let i = 0; i < 60; ++i) {
    tv = await Device.connect(server, { device: 'tv', resume: i % 5 === 4 ? tv.welcome.session : undefined });
    if (i % 3 === 0) await tv.close();
    if (i % 3 === 1) await tv.drop();
  }
  await tv.drop();
  const events = () => watcher.frames('event').filter((x) => x.device === 'tv');
  await until(() => events().length >= 120, '120 events');
  await sleep(200);
  assert.equal(events().length, 120);
  const seen = new Map();
  for (const { kind, epoch } of events()) {
    const before = seen.get(epoch) ?? '';
    assert.equal(before, kind === 'online' ? '' : 'online', 'online, then offline');
    seen.set(epoch, before + kind);
  }
  assert.equal(seen.size, 60);
  assert.ok([...seen.values()].every((x) => x === 'onlineoffline'));
  const epochs = events().filter((x) => x.kind === 'online').map((x) => x.epoch);
  assert.deepEqual(epochs, [...epochs].sort((x, y) => x - y), 'epochs grow');
  assert.ok(!watcher.frames('event').some((x) => x.device === 'elsewhere'));
  watcher.write({ t: 'unwatch' });
  await sleep(100);
  const count = watcher.frames('event').length;
  await (await Device.connect(server, { device: 'tv' })).close();
  await sleep(100);
  assert.equal(watcher.frames('event').length, count);
});

test('only so many sessions watch one account; a place that was left is free again', async (t) => {
  const server = await Server.start(t, { maxWatchers: 3 });
  const crowd = await Promise.all([0, 1, 2, 3].map((i) => Device.connect(server, { device: `w${i}` })));
  for (const device of crowd.slice(0, 3)) device.write({ t: 'watch' });
  await sleep(100);
  crowd[3].write({ t: 'watch' });
  assert.equal((await crowd[3].next('error')).code, 'overloaded');
  await crowd[0].drop();
  await until(async () => {
    crowd[3].write({ t: 'watch' });
    await sleep(20);
    await (await Device.connect(server, { device: 'probe' })).close();
    return crowd[3].frames('event').length;
  }, 'a place');
});

test('a recycled device is asked to reconnect, and closed 4000 if it does not', async (t) => {
  const server = await Server.start(t, { sessionLifetime: '1s', sessionDither: '0ms', goawayGrace: '500ms' });
  const device = await Device.connect(server, { device: 'tv' });
  const goaway = await device.find('goaway');
  assert.equal(goaway.reason, 'recycle');
  assert.ok(goaway.reconnect_in_ms >= 0 && goaway.reconnect_in_ms <= 1000);
  assert.equal((await device.send('tv', 1)).verdict, 'written', 'it works until then');
  assert.equal((await device.closed).code, 4000);
  const next = await Device.connect(server, { device: 'tv', resume: device.welcome.session });
  assert.equal(next.welcome.resumed, true);
});

test('development identities: without account it is dev, and a bad id is refused', async (t) => {
  const server = await Server.start(t);
  const device = new Device(server, { query: { device: 'tv' } });
  await device.welcomed;
  assert.equal(device.welcome.account, 'dev');
  await assert.rejects(new Device(server, { device: 'not an id' }).opened, { status: 401 });
  const late = new Device(server, { device: 'not an id', query: { late_errors: '1' } });
  assert.equal((await late.find('error')).code, 'token_refused');
  assert.equal((await late.closed).code, 4101);
});

test('a frame in three fragments with a ping between is one message', async (t) => {
  const server = await Server.start(t);
  const raw = await openWebSocket(t, server, { device: 'a' });
  await raw.text((x) => x.t === 'welcome');
  const text = Buffer.from('{"t":"send","id":"m1","to":"a","data":"héllo"}');
  await raw.frame(1, text.subarray(0, 41), { fin: false }); // cut inside the é
  await raw.frame(9, Buffer.from('ping'));
  await raw.frame(0, text.subarray(41, 43), { fin: false });
  await raw.write(frame(0, text.subarray(43)));
  assert.equal((await raw.text((x) => x.t === 'verdict')).verdict, 'written');
  assert.equal((await raw.text((x) => x.t === 'msg')).data, 'héllo');
  assert.ok(raw.frames.some((x) => x.opcode === 10 && x.body.toString() === 'ping'));
});
