// SPDX-License-Identifier: Apache-2.0
// Peers that waste: slow or silent handshakes, floods, devices that never read, targets that do not exist. Each costs
// bounded memory and time, ends as stated, and a device beside it is served as if nothing were.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { metric, Server, sleep, until } from './harness.mjs';
import { Device } from './device.mjs';
import { frame, openWebSocket, RawSocket, textFrame, upgradeHead } from './raw.mjs';

const mebibyte = 2 ** 20;

/** Exchanges messages the whole time; answers the slowest round in milliseconds when it is stopped. */
async function watchBystanders(server) {
  const a = await Device.connect(server, { device: 'bystander-a' });
  const b = await Device.connect(server, { device: 'bystander-b', format: 'msgpack' });
  let running = true;
  let slowest = 0;
  let rounds = 0;
  const loop = (async () => {
    for (; running; ++rounds) {
      const began = Date.now();
      assert.equal((await a.send('bystander-b', rounds)).verdict, 'written');
      slowest = Math.max(slowest, Date.now() - began);
      await sleep(10);
    }
  })();
  return async () => {
    running = false;
    await loop;
    assert.ok(rounds > 5);
    await until(() => b.received.length === rounds, 'what was written');
    return slowest;
  };
}

test('a handshake that is no handshake gets its HTTP status', async (t) => {
  const server = await Server.start(t);
  const head = upgradeHead(server, { device: 'tv' });
  const cases = {
    garbage: [400, 'hello\r\n\r\n'],
    'bytes of TLS': [400, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
    'bad header syntax': [400, 'GET /v1/connect HTTP/1.1\r\nno colon here\r\n\r\n'],
    'HTTP/1.0': [400, head.replace('HTTP/1.1', 'HTTP/1.0')],
    'no host': [400, head.replace(/Host: .*\r\n/, '')],
    'two hosts': [400, head.replace('Upgrade:', 'Host: other\r\nUpgrade:')],
    'two keys': [400, head.replace(/(Sec-WebSocket-Key: .*\r\n)/, '$1$1')],
    'a body of unknown length': [400, head.replace('Host:', 'Transfer-Encoding: chunked\r\nHost:')],
    'another method': [405, head.replace('GET', 'POST')],
    'another path': [404, head.replace('/v1/connect', '/v2/connect')],
    'no upgrade': [426, head.replace(/Upgrade: websocket\r\n/, '')],
    'no connection header': [400, head.replace(/Connection: Upgrade\r\n/, '')],
    'an old version': [426, head.replace('Version: 13', 'Version: 8')],
    'a short key': [400, head.replace(/Key: .*\r\n/, 'Key: abc\r\n')],
    'only unknown subprotocols': [400, head.replace('stentor.v1.json', 'chat')],
    'a body': [400, head.replace('Host:', 'Content-Length: 5\r\nHost:') + 'hello'],
    'a head above 8 KiB': [431, head.replace('Host:', `X-Long: ${'x'.repeat(9000)}\r\nHost:`)],
    'a head above 8 KiB that does not end': [431, 'GET / HTTP/1.1\r\n' + `X-Long: ${'x'.repeat(9000)}\r\n`],
    'an origin that is not allowed': [403, upgradeHead(server, { device: 'tv' }, { extra: 'Origin: https://evil.example\r\n' })],
    'a device id with a space': [401, upgradeHead(server, { device: 'a b' })],
    'a device id of 129 bytes': [401, upgradeHead(server, { device: 'x'.repeat(129) })],
  };
  for (const [what, [status, bytes]] of Object.entries(cases)) {
    const raw = await RawSocket.open(t, server.device);
    await raw.write(bytes);
    const answer = await raw.httpAnswer();
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    await raw.ended;
    assert.ok(raw.bytes.toString().split('\r\n\r\n')[1].length > 10, `${what} says why`);
  }
  assert.equal((await (await Device.connect(server, { device: 'tv' })).send('tv', 1)).verdict, 'written');
});

test('a slow handshake is given up at the auth timeout, however it dribbles', async (t) => {
  const server = await Server.start(t, { authTimeout: '1s' });
  const stop = await watchBystanders(server);
  const began = Date.now();
  const slow = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const raw = await RawSocket.open(t, server.device);
      const head = upgradeHead(server, { device: `slow-${i}` });
      let at = 0;
      const timer = setInterval(() => raw.socket.writable && raw.socket.write(head.charAt(at++) || 'x'), 20);
      await raw.ended;
      clearInterval(timer);
      return raw;
    }),
  );
  const took = Date.now() - began;
  assert.ok(took > 700 && took < 4000, `${took} ms`);
  assert.ok(slow.every((x) => !x.bytes.includes('101 Switching')));
  for (const x of slow) assert.match(x.bytes.toString(), /^HTTP\/1\.1 408 .*the handshake was not complete in time/s);
  assert.ok((await metric(server, 'stentor_rejected_total', { reason: 'auth_timeout' })) >= 50);
  assert.ok((await stop()) < 1000);
});

test('2,000 connections that never send a byte are dropped at the timeout and leave nothing behind', async (t) => {
  const server = await Server.start(t, { authTimeout: '2s' });
  const stop = await watchBystanders(server);
  const before = server.residentBytes();
  const began = Date.now();
  const silent = [];
  for (let i = 0; i < 40; ++i) silent.push(...(await Promise.all(Array.from({ length: 50 }, () => RawSocket.open(t, server.device)))));
  await until(async () => (await metric(server, 'stentor_connections')) >= 1000 || Date.now() - began > 1800, 'them to be there');
  const each = (server.residentBytes() - before) / silent.length;
  assert.ok(each < 8192, `${each} bytes each`);
  await Promise.all(silent.map((x) => x.ended));
  assert.ok(Date.now() - began < 15_000);
  await until(async () => (await metric(server, 'stentor_connections')) === 2, 'only the bystanders');
  assert.ok((await stop()) < 2000);
});

test('a ping flood costs no memory, whether the pongs are read or not', async (t) => {
  const server = await Server.start(t);
  const stop = await watchBystanders(server);
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(9, Buffer.alloc(125, 'p'))));
  const reader = await openWebSocket(t, server, { device: 'reader' });
  for (let i = 1; i <= 20; ++i) {
    await reader.write(pings);
    await until(() => reader.frames.filter((x) => x.opcode === 10).length === i * 1000, 'as many pongs');
  }
  assert.ok(reader.frames.filter((x) => x.opcode === 10).every((x) => x.body.equals(Buffer.alloc(125, 'p'))));
  const before = server.residentBytes();
  const deaf = await openWebSocket(t, server, { device: 'deaf' });
  deaf.socket.pause();
  // Until the server stops reading: then a write no longer comes back.
  for (let i = 0; i < 400; ++i) if ((await Promise.race([deaf.write(pings), sleep(1000, 'stuck')])) === 'stuck') break;
  const grown = server.residentBytes() - before;
  assert.ok(grown < 12 * mebibyte, `${grown} bytes`);
  assert.ok((await stop()) < 2000);
});

test('a device that never reads: congested, bounded, closed 4001 after the stall, all that was written is there', async (t) => {
  const server = await Server.start(t, { stallTimeout: '1s', closeLinger: '3s' });
  const stop = await watchBystanders(server);
  const sender = await Device.connect(server, { device: 'sender', account: 'other' });
  const watcher = await Device.connect(server, { device: 'watcher', account: 'other' });
  watcher.write({ t: 'watch' });
  await sleep(100);
  const deaf = await openWebSocket(t, server, { device: 'deaf', account: 'other' });
  await deaf.text((x) => x.t === 'welcome');
  deaf.socket.pause();
  const before = server.residentBytes();
  const told = {};
  const total = 10_000;
  const written = new Set();
  let answered = 0;
  sender.onFrame = (x) => {
    if (x.t !== 'verdict') return;
    ++answered;
    told[x.verdict] = (told[x.verdict] ?? 0) + 1;
    if (x.verdict === 'written') written.add(Number(x.id));
  };
  for (let n = 0; n < total; ++n) {
    sender.post('deaf', [n, 'x'.repeat(1000)], { id: String(n), timeout_ms: 2000 });
    if (n % 100 === 0) await sleep(1);
  }
  await until(() => (told.congested ?? 0) > 1000, 'congestion');
  const grown = server.residentBytes() - before;
  assert.ok(grown < 16 * mebibyte, `${grown} bytes for a device that does not read`);
  // The stall: it is given up in the directory first, then closed.
  await until(() => watcher.frames('event').some((x) => x.device === 'deaf' && x.kind === 'offline'), 'offline', 8000);
  assert.equal((await sender.send('deaf', 'late')).verdict, 'offline');
  deaf.socket.resume();
  assert.equal((await deaf.closeFrame()).code, 4001);
  await until(() => answered >= total, 'a verdict for each');
  const arrived = new Set(deaf.frames.filter((x) => x.opcode === 1).map((x) => JSON.parse(x.body)).filter((x) => x.t === 'msg').map((x) => x.data[0]));
  t.diagnostic(JSON.stringify(told));
  assert.ok(written.size > 100, 'the kernel took some');
  for (const n of written) assert.ok(arrived.has(n), `${n} was written`);
  for (const n of arrived) assert.ok(written.has(n) || told.unreachable, `${n} arrived`);
  deaf.end();
  await until(async () => (await metric(server, 'stentor_closes_total', { reason: 'slow' })) === 1, 'the close to be counted');
  assert.ok((await stop()) < 2000);
});

test('a device that is silent is closed 4002; one that answers pings is not', async (t) => {
  const server = await Server.start(t, { pingInterval: '1s', pingTimeout: '500ms' });
  const alive = await Device.connect(server, { device: 'alive' }); // `ws` answers pings
  const silent = await openWebSocket(t, server, { device: 'silent' });
  const began = Date.now();
  assert.equal((await silent.closeFrame(6000)).code, 4002);
  assert.ok(Date.now() - began < 4500);
  assert.ok(silent.frames.some((x) => x.opcode === 9), 'it was pinged');
  await sleep(1500);
  assert.equal((await alive.send('alive', 1)).verdict, 'written');
});

test('messages to 30,000 devices that do not exist are all offline and leave little behind', async (t) => {
  const server = await Server.start(t, { routeCache: 4096 });
  const sender = await Device.connect(server, { device: 'sender' });
  sender.keepsLog = false;
  let offline = 0;
  let open = 0;
  sender.onFrame = (x) => x.t === 'verdict' && (--open, (offline += x.verdict === 'offline'));
  const before = server.residentBytes();
  for (let n = 0; n < 30_000; ++n) {
    sender.post(`nobody-${n}`, n);
    if (++open > 500) await until(() => open < 100, 'verdicts');
  }
  await until(() => offline === 30_000, `30,000 times offline`, 20_000);
  assert.ok(server.residentBytes() - before < 12 * mebibyte);
});

test('a flood of frames is limited by the rate and starves nobody', async (t) => {
  const server = await Server.start(t, { messageRate: 50, messageBurst: 100 });
  const other = await Device.connect(server, { device: 'other' });
  const loud = await openWebSocket(t, server, { device: 'loud' });
  await loud.text((x) => x.t === 'welcome');
  const kinds = new Set();
  const sends = Buffer.concat(Array.from({ length: 500 }, (_, i) => textFrame({ t: 'send', id: `m${i}`, to: 'loud', data: 1 })));
  const asks = Buffer.concat(Array.from({ length: 500 }, () => textFrame({ t: 'devices' })));
  for (let i = 0; i < 10; ++i) await loud.write(i % 2 ? asks : sends);
  await until(() => loud.frames.filter((x) => x.opcode === 1).length > 4000, 'an answer for each');
  const values = loud.frames.filter((x) => x.opcode === 1).map((x) => JSON.parse(x.body));
  for (const x of values) kinds.add(x.t === 'verdict' ? x.verdict : x.t === 'error' ? x.code : x.t);
  // `congested` where the burst outran the first question for the way.
  const known = ['congested', 'devices', 'limited', 'msg', 'overloaded', 'welcome', 'written'];
  assert.deepEqual([...kinds].filter((x) => !known.includes(x)), []);
  assert.ok(kinds.has('limited') && kinds.has('overloaded'));
  assert.ok(values.filter((x) => x.t === 'msg').length < 400);
  assert.equal((await other.send('other', 1)).verdict, 'written');
});
