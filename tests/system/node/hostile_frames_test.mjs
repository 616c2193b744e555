// SPDX-License-Identifier: Apache-2.0
// Frames no decent client sends. Each gets its close code or its error, is counted, costs bounded memory, and a device
// beside it never notices. docs/protocol.md#frames and #close-codes are the text.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { encode, decode } from '@msgpack/msgpack';
import { metric, Server, until } from './harness.mjs';
import { Device } from './device.mjs';
import { frame, openWebSocket, RawSocket, textFrame, upgradeHead } from './raw.mjs';

const text = 1;
const binary = 2;
const close = 8;
const ping = 9;
const bytes = (...list) => Buffer.from(list);
const send = (fields) => ({ t: 'send', id: 'm1', to: 'bystander', data: 1, ...fields });
const nested = (depth, inner = '1') => '['.repeat(depth) + inner + ']'.repeat(depth);
const nestedPack = (depth) => Buffer.concat([Buffer.alloc(depth, 0x91), bytes(1)]);

/** A pair of devices that exchange one message now and then: what goes on beside the hostile one. */
async function bystanders(server) {
  const a = await Device.connect(server, { device: 'bystander' });
  const b = await Device.connect(server, { device: 'bystander-2', format: 'msgpack' });
  return async () => {
    assert.equal((await a.send('bystander-2', 'hi')).verdict, 'written');
    assert.equal((await b.send('bystander', 'hi')).verdict, 'written');
  };
}

test('broken framing is closed with its code, and nobody else notices', async (t) => {
  const server = await Server.start(t);
  const stillWell = await bystanders(server);
  const cases = {
    'an unmasked frame': [1002, frame(text, Buffer.from('{"t":"devices"}'), { mask: false })],
    'a reserved bit': [1002, frame(text, Buffer.from('{}'), { rsv: 4 })],
    'an unknown opcode': [1002, frame(3, Buffer.from('{}'))],
    'an unknown control opcode': [1002, frame(11)],
    'a control frame above 125 bytes': [1002, frame(ping, Buffer.alloc(126))],
    'a fragmented control frame': [1002, frame(ping, Buffer.alloc(1), { fin: false })],
    'a continuation without a first frame': [1002, frame(0, Buffer.from('x'))],
    'a message inside a message': [1002, Buffer.concat([frame(text, Buffer.from('{'), { fin: false }), frame(text, Buffer.from('}'))])],
    'a close frame with one byte': [1002, frame(close, bytes(3))],
    'a close code nobody may send': [1002, frame(close, bytes(0x03, 0xed))],
    'a close reason that is not UTF-8': [[1002, 1007], frame(close, bytes(0x03, 0xe8, 0xff, 0xfe))],
    'a length of 2^63': [[1002, 1009], frame(text, Buffer.alloc(0), { length: 2 ** 62 * 2 - 1024 })],
    'a message one byte too large': [1009, frame(text, Buffer.from('"' + 'x'.repeat(65535) + '"'))],
    'a message too large by its header alone': [1009, frame(text, Buffer.alloc(0), { length: 65537 })],
    'a message too large by its fragments': [
      1009,
      Buffer.concat([frame(text, Buffer.alloc(60000, 'x'), { fin: false }), frame(0, Buffer.alloc(60000, 'x'))]),
    ],
    'text that is not UTF-8': [1007, frame(text, bytes(0x7b, 0x22, 0xff, 0x22, 0x7d))],
    'an overlong UTF-8 form': [1007, frame(text, bytes(0x22, 0xc0, 0xaf, 0x22))],
    'a lone surrogate in UTF-8': [1007, frame(text, bytes(0x22, 0xed, 0xa0, 0x80, 0x22))],
    'UTF-8 cut at the end of the message': [1007, frame(text, bytes(0x22, 0xe2, 0x82))],
    'binary in JSON': [1003, frame(binary, Buffer.from('{"t":"devices"}'))],
  };
  for (const [what, [codes, hostile]] of Object.entries(cases)) {
    const raw = await openWebSocket(t, server, { device: 'hostile' });
    await raw.text((x) => x.t === 'welcome');
    await raw.write(hostile);
    const { code, text: reason } = await raw.closeFrame();
    assert.ok([codes].flat().includes(code), `${what}: ${code} ${reason}`);
    if (code !== 1002 || !what.startsWith('a close')) assert.ok(reason.length > 5, `${what} says why`);
    raw.end();
    await raw.ended;
  }
  const raw = await openWebSocket(t, server, { device: 'hostile' }, { protocol: 'stentor.v1.msgpack' });
  await raw.wait(() => raw.frames.length, 'the welcome');
  await raw.write(frame(text, Buffer.from('{}')));
  assert.equal((await raw.closeFrame()).code, 1003, 'text in MessagePack');
  await stillWell();
  for (const reason of ['protocol', 'too_big', 'utf8', 'wrong_type'])
    assert.ok((await metric(server, 'stentor_closes_total', { reason })) > 0, `${reason} is counted`);
});

test('a message in fragments without end is closed, whether they are empty, tiny, or cut mid-character', async (t) => {
  const server = await Server.start(t);
  const stillWell = await bystanders(server);
  const before = server.residentBytes();
  for (const piece of ['', 'x', '\u20ac']) {
    const raw = await openWebSocket(t, server, { device: 'hostile' });
    await raw.text((x) => x.t === 'welcome');
    await raw.write(frame(text, Buffer.from('"'), { fin: false }));
    const some = Buffer.concat(Array.from({ length: 500 }, () => frame(0, Buffer.from(piece), { fin: false })));
    let closed;
    raw.closeFrame(20_000).then((x) => (closed = x), (error) => (closed = error));
    for (let i = 0; i < 2000 && !closed; ++i) await Promise.race([raw.write(some), raw.ended]);
    await until(() => closed, 'the close frame');
    assert.ok([1008, 1009].includes(closed.code), `${JSON.stringify(piece)}: ${closed.code} ${closed.message}`);
  }
  // A hundred that stop in the middle hold at most a frame each.
  for (let i = 0; i < 100; ++i) {
    const raw = await openWebSocket(t, server, { device: `stuck-${i}` });
    await raw.write(frame(text, Buffer.alloc(60_000, 'x'), { fin: false }));
  }
  await stillWell();
  const grown = server.residentBytes() - before;
  assert.ok(grown < 30 * 2 ** 20, `${grown} bytes for 100 messages that never end`);
});

const malformedJson = {
  'no JSON': 'hello', 'half a map': '{"t":"send"', 'two values': '{"t":"devices"}{}', 'a trailing comma': '{"t":"devices",}',
  nothing: '', 'an array': '["send"]', 'a string': '"send"', 'a byte order mark': '\ufeff{"t":"devices"}', 'a control character': '{"t":"dev\u0001ices"}',
  'a bad escape': '{"t":"\\x"}', 'half a surrogate pair': '{"t":"send","id":"m","to":"a","data":"\\ud800"}',
  'a leading zero': '{"t":"send","id":"m","to":"a","data":01}', 'NaN': '{"t":"send","id":"m","to":"a","data":NaN}',
  'a payload 33 levels deep': `{"t":"send","id":"m","to":"a","data":${nested(33)}}`,
  'an ignored field 33 levels deep': `{"t":"devices","x":${nested(33)}}`,
  'nesting as deep as a frame allows': nested(32000),
  'nesting that never ends': '['.repeat(65000),
  'maps nested without end': '{"a":'.repeat(13000),
};

const malformedPack = {
  nothing: Buffer.alloc(0), 'an array': encode(['send']), 'a string': encode('send'), 'the unused byte': bytes(0xc1), 'a map cut short': bytes(0x82, 0xa1, 0x74, 0xa7),
  'a map that claims 2^32 - 1 entries': bytes(0xdf, 255, 255, 255, 255, 0xa1, 0x74),
  'an array that claims 2^32 - 1 entries': Buffer.concat([encode({ t: 'send', id: 'm', to: 'a' }), bytes(0xdd, 255, 255, 255, 255)]),
  'a string that claims 4 GiB': bytes(0x81, 0xa1, 0x74, 0xdb, 255, 255, 255, 255, 0x61),
  'bytes behind the map': Buffer.concat([encode({ t: 'devices' }), bytes(0xc0)]),
  'a payload 33 levels deep': Buffer.concat([bytes(0x84), encode('t'), encode('send'), encode('id'), encode('m'), encode('to'), encode('a'), encode('data'), nestedPack(33)]),
  'nesting that never ends': Buffer.alloc(65000, 0x91),
  'maps nested without end': Buffer.concat(Array.from({ length: 20000 }, () => bytes(0x81, 0xa1, 0x61))),
};

test('bytes that are no value, or nest too deep, are answered with an error and closed with 4103', async (t) => {
  const server = await Server.start(t);
  const stillWell = await bystanders(server);
  const run = async (protocol, kind, what, body, read) => {
    const raw = await openWebSocket(t, server, { device: 'hostile' }, { protocol });
    await raw.wait(() => raw.frames.length, 'the welcome');
    await raw.write(frame(kind, Buffer.from(body)));
    assert.equal((await raw.closeFrame()).code, 4103, what);
    const error = read(raw.frames.at(-2).body);
    assert.equal(error.t, 'error', what);
    const codes = /33 levels/.test(what) ? ['too_deep'] : /nest/.test(what) ? ['too_deep', 'malformed'] : ['malformed'];
    assert.ok(codes.includes(error.code), `${what}: ${error.code}, ${error.message}`);
    assert.ok(error.message.length > 5);
    raw.end();
  };
  for (const [what, body] of Object.entries(malformedJson)) await run('stentor.v1.json', text, what, body, JSON.parse);
  for (const [what, body] of Object.entries(malformedPack)) await run('stentor.v1.msgpack', binary, what, body, decode);
  await stillWell();
  assert.ok((await metric(server, 'stentor_closes_total', { reason: 'malformed' })) >= 20);
});

const refusedFrames = [
  [{ t: 'nonsense', id: 'm1' }, 'malformed'], [{ id: 'm1', to: 'a' }, 'malformed'], [{ t: 7 }, 'malformed'], [send({ to: 'has space' }), 'invalid_id'], [send({ to: '' }), 'invalid_id'],
  [send({ to: 'x'.repeat(129) }), 'invalid_id'], [send({ to: 'ünïcode' }), 'invalid_id'], [send({ to: 'a/b' }), 'invalid_id'],
  [send({ to: { account: 'a b' } }), 'invalid_id'], [send({ to: 'nul\u0000' }), 'invalid_id'],
  [send({ to: 7 }), 'malformed'], [send({ to: {} }), 'malformed'], [send({ to: null }), 'malformed'], [send({ to: undefined }), 'malformed'],
  [send({ data: undefined }), 'malformed'], [send({ id: undefined }), 'malformed'], [send({ id: '' }), 'malformed'],
  [send({ id: 'x'.repeat(65) }), 'malformed'], [send({ id: 7 }), 'malformed'], [send({ want: 'everything' }), 'malformed'],
  [send({ ttl_ms: -1 }), 'malformed'], [send({ ttl_ms: 1.5 }), 'malformed'], [send({ ttl_ms: '9' }), 'malformed'],
  [send({ timeout_ms: 2 ** 31 }), 'malformed'], [send({ key: '' }), 'malformed'], [send({ key: 'k'.repeat(129) }), 'malformed'],
  [{ t: 'ack' }, 'malformed'], [{ t: 'ack', id: 7 }, 'malformed'], [{ t: 'auth' }, 'malformed'], [{ t: 'auth', token: 1 }, 'malformed'],
  [{ t: 'auth', token: 'abc' }, 'token_refused'],
];

for (const format of ['json', 'msgpack'])
  test(`a frame that breaks a rule of its fields is refused by name and delivered to nobody, ${format}`, async (t) => {
    const server = await Server.start(t);
    const target = await Device.connect(server, { device: 'bystander' });
    for (const [refused, code] of refusedFrames) {
      const device = await Device.connect(server, { device: 'hostile', format });
      const plain = JSON.parse(JSON.stringify(refused)); // without what is undefined
      device.write(plain);
      const error = await device.find((x) => x.t === 'error' || x.t === 'verdict', 3000).catch(() => ({}));
      assert.deepEqual([error.t, error.code], ['error', code], JSON.stringify(refused));
      if (typeof plain.id === 'string' && /^.{1,64}$/.test(plain.id)) assert.equal(error.id, plain.id, JSON.stringify(refused));
      // It was one bad frame: the connection goes on.
      assert.equal((await device.send('bystander', 'good')).verdict, 'written');
      await device.close();
    }
    assert.ok(target.received.every((x) => x === 'good'));
  });

test('the tenth refused frame closes with 4103; a good one between does not help', async (t) => {
  const server = await Server.start(t);
  const stillWell = await bystanders(server);
  const device = await Device.connect(server, { device: 'hostile' });
  for (let i = 0; i < 10; ++i) {
    assert.equal(device.end, undefined);
    if (i === 5) assert.equal((await device.send('bystander', 1)).verdict, 'written');
    device.write({ t: 'nonsense' });
    await until(() => device.frames('error').length === i + 1 || device.end, 'the error');
  }
  assert.equal((await device.closed).code, 4103);
  assert.equal(device.frames('error').length, 10);
  await stillWell();
});

test('before auth nothing but auth is heard: 4101', async (t) => {
  const server = await Server.start(t, { tokenKey: `:HS256:${'s'.repeat(32)}`, devAuth: false, apiKey: 'k'.repeat(32), authTimeout: '700ms' });
  for (const first of [textFrame(send({})), textFrame({ t: 'devices' }), textFrame('garbage'), textFrame(nested(32000)), textFrame({ t: 'auth' }), textFrame({ t: 'auth', token: 'a.b.c' })]) {
    const raw = await openWebSocket(t, server, {});
    await raw.write(first);
    assert.equal((await raw.closeFrame()).code, 4101);
    assert.ok(raw.frames.every((x) => x.opcode === 8 || JSON.parse(x.body).code === 'token_refused'), 'nothing is told but the refusal');
  }
  const silent = await openWebSocket(t, server, {});
  const began = Date.now();
  assert.equal((await silent.closeFrame(5000)).code, 4101);
  assert.ok(Date.now() - began < 2500);
  // Pings do not count as an identity.
  const pinger = await openWebSocket(t, server, {});
  const timer = setInterval(() => pinger.frame(ping), 50);
  assert.equal((await pinger.closeFrame(5000)).code, 4101);
  clearInterval(timer);
});

test('too much before the welcome closes with 1008, a little is handled after it, in order', async (t) => {
  const server = await Server.start(t);
  const target = await Device.connect(server, { device: 'target' });
  const early = (n, size = 1) =>
    Buffer.concat(Array.from({ length: n }, (_, i) => textFrame(send({ id: `m${i}`, to: 'target', data: [i, 'x'.repeat(size)] }))));
  // Upgrade and frames in one write: the frames are there before the directory has answered.
  const eager = await RawSocket.open(t, server.device);
  await eager.write(Buffer.concat([Buffer.from(upgradeHead(server, { device: 'eager', account: 'acme' })), early(50)]));
  await until(() => target.received.length === 50, 'fifty early messages');
  assert.deepEqual(target.received.map(([i]) => i), Array.from({ length: 50 }, (_, i) => i));
  let refused = 0;
  for (let i = 0; i < 20; ++i) {
    const greedy = await RawSocket.open(t, server.device);
    await greedy.write(Buffer.concat([Buffer.from(upgradeHead(server, { device: 'greedy', account: 'acme' })), early(200, 300)]));
    await greedy.wait(() => greedy.bytes.includes('welcome'), 'a welcome or the refusal');
    if (greedy.bytes.includes(bytes(0x03, 0xf0))) ++refused;
    greedy.reset();
  }
  assert.ok(refused > 0, 'at least one came before its welcome and was closed with 1008');
  // Whoever was closed then is gone from the directory, too.
  await until(async () => {
    target.write({ t: 'devices' });
    return !(await target.next('devices')).devices.includes('greedy');
  }, 'no ghost in the directory');
});
