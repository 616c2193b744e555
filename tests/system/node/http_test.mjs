// SPDX-License-Identifier: Apache-2.0
// Back ends push over HTTP: the same messages, the same verdicts, as statuses. docs/protocol.md#http is the text.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { encode } from '@msgpack/msgpack';
import { metric, Server, sleep, until } from './harness.mjs';
import { Device, formats } from './device.mjs';
import { openWebSocket, RawSocket } from './raw.mjs';

const jsonType = { 'content-type': 'application/json' };
const push = (server, device, data, query = '', headers = {}) =>
  server.request('POST', `/v1/devices/${device}/messages${query}`, { headers: { ...jsonType, ...headers }, body: JSON.stringify(data) });
const batch = (server, lines, headers = {}) =>
  server.request('POST', '/v1/messages', { headers: { 'content-type': 'application/x-ndjson', ...headers }, body: lines.map((x) => (typeof x === 'string' ? x : JSON.stringify(x)) + '\n').join('') });
const rows = (answer) => answer.text.trim().split('\n').filter(Boolean).map((x) => JSON.parse(x));

test('a push reaches the device and answers its verdict as status and body', async (t) => {
  const server = await Server.start(t, { maxUnackedMessages: 1 });
  for (const format of formats) {
    const tv = await Device.connect(server, { device: 'tv', format });
    const written = await push(server, 'tv', { text: 'héllo', n: [1, 2] });
    assert.equal(written.status, 200);
    assert.equal(written.json.verdict, 'written');
    assert.equal(written.json.via.node, 'test-node');
    const message = await tv.find('msg');
    assert.deepEqual([message.id, message.data, message.from], [written.json.id, { text: 'héllo', n: [1, 2] }, undefined]);
    const packed = await server.request('POST', '/v1/devices/tv/messages', { headers: { 'content-type': 'application/msgpack' }, body: Buffer.from(encode({ bin: 'packed' })) });
    assert.equal(packed.status, 200);
    await tv.find((x) => x.data?.bin === 'packed');
    const acked = push(server, 'tv', 'ack me', '?want=acked');
    const asked = await tv.find((x) => x.data === 'ack me');
    const full = await push(server, 'tv', 'no room', '?want=acked');
    assert.deepEqual([full.status, full.json.verdict], [503, 'congested']);
    assert.ok(full.headers['retry-after']);
    tv.ack(asked);
    assert.deepEqual([(await acked).status, (await acked).json.verdict], [200, 'acked']);
    const late = await push(server, 'tv', 'never', '?want=acked&timeout_ms=200');
    assert.deepEqual([late.status, late.json.verdict, late.json.at], [504, 'unreachable', 'written']);
    const none = await push(server, 'tv', 'none', '?want=none');
    assert.deepEqual([none.status, none.json.verdict], [202, null]);
    await tv.find((x) => x.data === 'none' && x.id === none.json.id);
    assert.equal((await push(server, 'tv', 'errors', '?want=errors')).status, 200);
    const expired = await push(server, 'tv', 'late', '?ttl_ms=0');
    assert.deepEqual([expired.status, expired.json.verdict], [410, 'expired']);
    assert.ok(!tv.received.includes('late') && !tv.received.includes('no room'));
    await tv.close();
    const offline = await push(server, 'tv', 1);
    assert.deepEqual([offline.status, offline.json.verdict], [404, 'offline']);
  }
});

test('a push that cannot be taken gets a 4xx that names the cause, and reaches nobody', async (t) => {
  const server = await Server.start(t);
  const tv = await Device.connect(server, { device: 'tv' });
  const json = await Device.connect(server, { device: 'json' });
  const path = '/v1/devices/tv/messages';
  const cases = [
    ['POST', path, jsonType, '{"half', 400, 'malformed'], ['POST', path, jsonType, '', 400, 'malformed'],
    ['POST', path, jsonType, '['.repeat(40) + ']'.repeat(40), 400, 'too_deep'],
    ['POST', path, { 'content-type': 'text/plain' }, 'x', 415, 'media_type'],
    ['POST', path, jsonType, `"${'x'.repeat(65536)}"`, 413, 'too_large'],
    ['POST', '/v1/devices/a%20b/messages', jsonType, '1', 400, 'invalid_id'],
    ['POST', `/v1/devices/${'x'.repeat(129)}/messages`, jsonType, '1', 400, 'invalid_id'],
    ['POST', `${path}?want=everything`, jsonType, '1', 400, 'malformed'], ['POST', `${path}?ttl_ms=-1`, jsonType, '1', 400, 'malformed'],
    ['POST', `${path}?timeout_ms=soon`, jsonType, '1', 400, 'malformed'],
    ['POST', path, { ...jsonType, 'idempotency-key': 'k'.repeat(129) }, '1', 400, 'malformed'],
    ['PUT', path, jsonType, '1', 405, 'method'], ['GET', '/v1/nothing', {}, undefined, 404, 'not_found'],
    ['POST', path, { ...jsonType, origin: 'https://evil.example' }, '1', 403, 'origin'],
    ['GET', '/metrics', { origin: 'null' }, undefined, 403, 'origin'],
    ['GET', '/v1/admin/actors?top=none', {}, undefined, 400, 'malformed'],
  ];
  for (const [method, where, headers, body, status, code] of cases) {
    const answer = await server.request(method, where, { headers, body });
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], `${method} ${where} ${String(body).slice(0, 20)}: ${answer.text}`);
    assert.ok(answer.json.error.message.length > 5);
  }
  // Not representable for this device: a verdict, not an error of the request.
  const ext = await server.request('POST', '/v1/devices/json/messages', { headers: { 'content-type': 'application/msgpack' }, body: Buffer.from([0xd4, 1, 2]) });
  assert.deepEqual([ext.status, ext.json.verdict], [400, 'invalid']);
  assert.deepEqual([...tv.received, ...json.received], []);
});

test('idempotency over HTTP: 200 with the first verdict, 409 while it is under way, 422 for another body', async (t) => {
  const server = await Server.start(t);
  const tv = await Device.connect(server, { device: 'tv' });
  const key = { 'idempotency-key': 'order-1' };
  assert.equal((await push(server, 'nobody', 1, '', key)).status, 404);
  const first = await push(server, 'tv', 1, '', key);
  const second = await push(server, 'tv', 1, '', key);
  assert.deepEqual([second.status, second.json.verdict, second.json.first], [200, 'duplicate', 'written']);
  assert.deepEqual(second.json.via, first.json.via);
  assert.equal((await push(server, 'tv', 2, '', key)).status, 422);
  // A device key of the same text is another sender's.
  const sender = await Device.connect(server, { device: 'sender' });
  assert.equal((await sender.send('tv', 3, { key: 'order-1' })).verdict, 'written');
  await until(() => tv.received.length === 2);
  assert.deepEqual(tv.received, [1, 3]);
  // In progress: a device that takes nothing keeps the first one from being written.
  const deaf = await openWebSocket(t, server, { device: 'deaf' });
  await deaf.text((x) => x.t === 'welcome');
  deaf.socket.pause();
  let stuck = 0;
  for (let i = 0; i < 300 && !stuck; ++i)
    stuck += (await Promise.race([push(server, 'deaf', 'x'.repeat(60_000), '?timeout_ms=20000').then(() => 0), sleep(400, 1)]));
  assert.equal(stuck, 1, 'the kernel is full');
  const open = push(server, 'deaf', 'first', '?timeout_ms=20000', key);
  await sleep(50);
  const meanwhile = await push(server, 'deaf', 'first', '', key);
  assert.deepEqual([meanwhile.status, meanwhile.json.verdict, meanwhile.json.first], [409, 'duplicate', undefined]);
  deaf.socket.resume();
  assert.equal((await open).json.verdict, 'written');
  assert.equal((await push(server, 'deaf', 'first', '', key)).json.first, 'written');
});

test('a push to an account answers a line for each device, in NDJSON', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const names = ['d0', 'd1', 'd2', 'd3'];
  const devices = [];
  for (const [i, device] of names.entries()) devices.push(await Device.connect(server, { device, account: 'home', format: formats[i % 2] }));
  const answer = await server.request('POST', '/v1/accounts/home/messages', { headers: jsonType, body: '{"n":1}' });
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /ndjson/);
  assert.deepEqual(rows(answer).map((x) => [x.device, x.verdict]).sort(), names.map((x) => [x, 'written']));
  for (const device of devices) assert.deepEqual((await device.find('msg')).data, { n: 1 });
  const nobody = await server.request('POST', '/v1/accounts/empty/messages', { headers: jsonType, body: '1' });
  assert.equal(nobody.status, 404);
  const list = await server.request('GET', '/v1/accounts/home/devices');
  assert.equal(list.json.account, 'home');
  assert.deepEqual(list.json.devices.map((x) => x.device).sort(), names);
  const one = await server.request('GET', '/v1/devices/d2');
  assert.deepEqual([one.status, one.json.device, one.json.account, one.json.node, one.json.connected], [200, 'd2', 'home', 'test-node', true]);
  await devices[2].close();
  await until(async () => (await server.request('GET', '/v1/devices/d2')).status === 404, 'd2 to be gone');
});

test('a batch answers one line a message as its verdict comes; bad lines do not stop the others', async (t) => {
  const server = await Server.start(t);
  const tv = await Device.connect(server, { device: 'tv', format: 'msgpack' });
  const lines = [
    { to: 'tv', data: 0, ref: 'first' }, { to: 'nobody', data: 1 }, '{"to":"tv","data":', { to: 'a b', data: 2 }, '', '  ',
    { to: 'tv', data: 3, want: 'none' }, { to: 'tv', data: 4, want: 'errors' }, { to: 'nobody', data: 5, want: 'errors' },
    { data: 6 }, { to: 'tv' }, { to: 'tv', data: 7, key: 'k' }, { to: 'tv', data: 7, key: 'k' }, { to: 'tv', data: 8, ttl_ms: 0 }, '[]', '7',
  ];
  const answer = await batch(server, lines);
  assert.equal(answer.status, 200);
  const said = Object.fromEntries(rows(answer).map((x) => [x.index, x]));
  assert.deepEqual(Object.entries(said).map(([i, x]) => [Number(i), x.verdict]), [
    [0, 'written'], [1, 'offline'], [2, 'invalid'], [3, 'invalid'], [6, 'offline'], [7, 'invalid'], [8, 'invalid'],
    [9, 'written'], [10, 'duplicate'], [11, 'expired'], [12, 'invalid'], [13, 'invalid'],
  ]);
  assert.equal(said[0].ref, 'first');
  assert.ok(said[2].detail && !said[2].id);
  await until(() => tv.received.length === 4);
  assert.deepEqual(tv.received, [0, 3, 4, 7], 'in the order of the lines');
});

test('a large batch streams its answer while it is sent, in order for each device, and past its bounds says so', async (t) => {
  const server = await Server.start(t, { maxBatchLines: 5000, loops: 4 });
  const devices = await Promise.all([0, 1, 2, 3].map((i) => Device.connect(server, { device: `d${i}`, format: formats[i % 2] })));
  const [host, port] = server.api.split(':');
  const request = http.request({ host, port, method: 'POST', path: '/v1/messages', headers: { 'content-type': 'application/x-ndjson' } });
  let text = '';
  const answered = new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (answer) => answer.on('data', (x) => (text += x)).on('end', () => resolve(answer)));
  });
  for (let i = 0; i < 100; ++i) request.write(JSON.stringify({ to: `d${i % 4}`, data: i }) + '\n');
  await until(() => text.split('\n').length > 90, 'answers before the end of the body');
  for (let i = 100; i < 5000; ++i) if (!request.write(JSON.stringify({ to: `d${i % 4}`, data: i }) + '\n')) await new Promise((resolve) => request.once('drain', resolve));
  request.end();
  assert.equal((await answered).statusCode, 200);
  const said = text.trim().split('\n').map((x) => JSON.parse(x));
  assert.equal(said.length, 5000);
  assert.equal(new Set(said.map((x) => x.index)).size, 5000);
  assert.ok(said.every((x) => x.verdict === 'written'));
  await until(() => devices.every((x) => x.received.length === 1250));
  devices.forEach((x, d) => assert.deepEqual(x.received, Array.from({ length: 1250 }, (_, i) => 4 * i + d)));
  const long = await batch(server, Array.from({ length: 5001 }, (_, i) => ({ to: 'nobody', data: i })));
  const last = rows(long);
  assert.ok(last.at(-1).error, `the last line says why: ${JSON.stringify(last.at(-1))}`);
  assert.equal(last.filter((x) => x.verdict).length, 5000);
});

test('keep-alive: many requests on one connection, pipelined ones answered in order, each push in its order', async (t) => {
  const server = await Server.start(t);
  const tv = await Device.connect(server, { device: 'tv' });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const sockets = new Set();
  agent.on('free', (socket) => sockets.add(socket));
  for (let i = 0; i < 300; ++i)
    assert.equal((await server.request('POST', '/v1/devices/tv/messages', { headers: jsonType, body: String(i), agent })).status, 200);
  assert.equal(sockets.size, 1, 'one connection');
  const raw = await RawSocket.open(t, server.api);
  let requests = '';
  for (let i = 300; i < 500; ++i) requests += `POST /v1/devices/${i % 7 ? 'tv' : 'nobody'}/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n${i}`;
  await raw.write(requests + 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await raw.ended;
  const statuses = [...raw.bytes.toString().matchAll(/HTTP\/1\.1 (\d+) /g)].map((x) => Number(x[1]));
  assert.deepEqual(statuses, [...Array.from({ length: 200 }, (_, i) => ((i + 300) % 7 ? 200 : 404)), 200]);
  const expected = Array.from({ length: 500 }, (_, i) => i).filter((i) => i < 300 || i % 7);
  await until(() => tv.received.length === expected.length);
  assert.deepEqual(tv.received, expected);
});

test('health, readiness, metrics and the busiest actors', async (t) => {
  const server = await Server.start(t);
  const device = await Device.connect(server, { device: 'busy' });
  for (let i = 0; i < 20; ++i) assert.equal((await device.send('busy', i)).verdict, 'written');
  assert.equal((await server.request('GET', '/healthz')).status, 200);
  assert.equal((await server.request('GET', '/readyz')).status, 200);
  const { status, text, headers } = await server.request('GET', '/metrics');
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
  for (const line of text.trim().split('\n')) assert.match(line, /^(# (HELP|TYPE) |[a-z_]+(\{[^}]*\})? -?[\d.e+-]+$|[a-z_]+(\{[^}]*\})? (NaN|\+Inf)$)/);
  assert.equal(await metric(server, 'stentor_messages_total', { verdict: 'written', source: 'device' }), 20);
  assert.equal(await metric(server, 'stentor_sessions'), 1);
  await push(server, 'busy', 1);
  assert.equal(await metric(server, 'stentor_messages_total', { verdict: 'written', source: 'http' }), 1);
  const actors = await server.request('GET', '/v1/admin/actors?top=50');
  assert.equal(actors.status, 200);
  const list = actors.json.actors ?? actors.json;
  const session = list.find((x) => x.name === 'session' || x.kind === 'session');
  assert.ok(session && JSON.stringify(session).includes('busy'), actors.text.slice(0, 500));
  assert.ok(list.length <= 50);
  const ended = server.stop();
  await device.closed;
  await ended;
});

test('slow and broken requests end with their status and cost nothing but themselves', async (t) => {
  const server = await Server.start(t, { httpHeaderTimeout: '500ms', httpBodyTimeout: '600ms', httpIdleTimeout: '1s' });
  const head = 'POST /v1/devices/tv/messages HTTP/1.1\r\nHost: a\r\n';
  const cases = {
    'a head that does not end': [408, 'GET /healthz HTTP/1.1\r\nHost:'],
    'a body that does not come': [408, head + 'Content-Length: 10\r\n\r\n12'],
    'a head above its limit': [431, head + `X: ${'x'.repeat(9000)}\r\n\r\n`],
    'two content lengths': [400, head + 'Content-Length: 1\r\nContent-Length: 2\r\n\r\n1'],
    'a length and chunks': [400, head + 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1'],
    'a chunk that lies': [400, head + 'Transfer-Encoding: chunked\r\n\r\nzz\r\n'],
    'a length that is none': [400, head + 'Content-Length: -1\r\n\r\n'],
    'no HTTP': [400, 'hello world\r\n\r\n'],
    'a length of 2^63': [413, head + 'Content-Length: 9223372036854775808\r\n\r\n'],
    'HTTP/2 by prior knowledge': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  };
  await Promise.all(Object.entries(cases).map(async ([what, [status, bytes]]) => {
    const raw = await RawSocket.open(t, server.api);
    await raw.write(bytes);
    const answer = await raw.httpAnswer();
    assert.ok([status, status === 413 ? 400 : status].includes(answer.status), `${what}: ${answer.text}`);
    await raw.ended;
  }));
  const idle = await RawSocket.open(t, server.api);
  await idle.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.httpAnswer();
  const began = Date.now();
  await idle.ended;
  assert.ok(Date.now() - began < 4000);
  assert.equal((await server.request('GET', '/healthz')).status, 200);
});

test('a back end that does not read its batch answers costs bounded memory and blocks nobody', async (t) => {
  const server = await Server.start(t);
  const before = server.residentBytes();
  const deaf = await RawSocket.open(t, server.api);
  deaf.socket.pause();
  const line = JSON.stringify({ to: 'nobody', data: 1, ref: 'r'.repeat(60) }) + '\n';
  const body = line.repeat(9000);
  const requests = 20;
  const one = `POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (let i = 0; i < requests; ++i) if ((await Promise.race([deaf.write(one), sleep(1000, 'stuck')])) === 'stuck') break;
  assert.equal((await push(server, 'nobody', 1)).status, 404);
  assert.ok(server.residentBytes() - before < 16 * 2 ** 20, `${server.residentBytes() - before} bytes`);
});
