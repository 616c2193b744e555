// SPDX-License-Identifier: Apache-2.0
// Who is believed, who is not, and what happens when a token's time is over. Refusals look the same, whatever was wrong.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { metric, Server, sleep } from './harness.mjs';
import { Device, formats } from './device.mjs';
import { keyRing, sign } from './tokens.mjs';

const now = () => Math.floor(Date.now() / 1000);
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** All the ways to show a token. */
const ways = {
  header: (token) => ({ token }),
  query: (token) => ({ query: { token } }),
  frame: () => ({}),
};

async function present(server, way, token) {
  const device = new Device(server, ways[way](token));
  if (way === 'frame') {
    await device.opened;
    device.write({ t: 'auth', token });
  }
  await device.welcomed;
  return device;
}

test('good tokens of every algorithm are believed, shown in any way', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, keys.settings);
  const tokens = {
    HS256: keys.hs({}),
    RS256: sign('RS256', keys.rsa.privateKey, {}, { kid: 'rs' }),
    ES256: sign('ES256', keys.ec.privateKey, {}, { kid: 'es' }),
    'HS256 without kid': sign('HS256', keys.secret + 'x', {}),
    'with claims of others': keys.hs({ iss: 'x', aud: ['y'], iat: now(), nbf: now() - 10, deep: { er: [1, { a: 2 }] } }),
    'valid in two seconds, for clocks that differ': keys.hs({ nbf: now() + 2 }),
  };
  for (const [what, token] of Object.entries(tokens))
    for (const way of Object.keys(ways)) {
      const device = await present(server, way, token);
      assert.deepEqual([device.welcome.device, device.welcome.account], ['tv', 'acme'], `${what}, ${way}`);
      assert.equal((await device.send('tv', 1)).verdict, 'written');
      await device.close();
      assert.ok(!server.stderr.includes(token.split('.')[2]), 'no signature in the log');
    }
});

test('a token may hold until the year 9999: its connection stays open', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, keys.settings);
  for (const year of [2100, 2262, 2263, 2400, 3000, 9999]) {
    const exp = Math.floor(Date.UTC(year, 11, 31) / 1000);
    const device = await present(server, 'header', keys.hs({ sub: `tv-${year}`, exp }));
    device.write({ t: 'auth', token: keys.hs({ sub: `tv-${year}`, exp: exp - 1 }) });
    await sleep(50);
    assert.equal((await device.send(`tv-${year}`, 1)).verdict, 'written', `${year}`);
    assert.equal(device.received.length, 1, `${year}`);
    await device.close();
  }
});

test('bad tokens are refused with the same 401, and say nothing about why', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, keys.settings);
  const good = keys.hs({});
  const [head, body, signature] = good.split('.');
  const flip = (text, i) => text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
  const bad = {
    'alg none': sign('none', '', {}, { kid: 'hs' }),
    'alg None': sign('none', '', {}, { kid: 'hs', alg: 'None' }),
    'alg none with the signature of another': `${part({ alg: 'none', kid: 'hs' })}.${body}.${signature}`,
    'the RS256 public key as HS256 secret': sign('HS256', keys.rsaPem, {}, { kid: 'rs' }),
    'the ES256 public key as HS256 secret': sign('HS256', keys.ecPem, {}, { kid: 'es' }),
    'RS256 under the secret of HS256': sign('RS256', keys.rsa.privateKey, {}, { kid: 'hs' }),
    'an algorithm nobody configured': sign('HS256', keys.secret, {}, { kid: 'hs', alg: 'HS512' }),
    'no algorithm': sign('HS256', keys.secret, {}, { kid: 'hs', alg: undefined }),
    'an unknown kid': sign('HS256', keys.secret, {}, { kid: 'nobody' }),
    "another key's kid": sign('HS256', keys.secret + 'x', {}, { kid: 'hs' }),
    'a key without kid used with one': sign('HS256', keys.secret, {}),
    'another secret': sign('HS256', 'z'.repeat(48), {}, { kid: 'hs' }),
    'another RSA key': sign('RS256', crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, {}, { kid: 'rs' }),
    'another EC key': sign('ES256', crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {}, { kid: 'es' }),
    expired: keys.hs({ exp: now() - 1 }),
    'expired long ago': keys.hs({ exp: 1 }),
    'not yet valid': keys.hs({ nbf: now() + 60 }),
    'without exp': keys.hs({ exp: undefined }),
    'with exp as a string': keys.hs({ exp: String(now() + 60) }),
    'with exp that overflows': keys.hs({ exp: 1e300 }),
    'without sub': keys.hs({ sub: undefined }),
    'without acc': keys.hs({ acc: undefined }),
    'with a sub that is no id': keys.hs({ sub: 'a b' }),
    'with an empty sub': keys.hs({ sub: '' }),
    'with a sub of 129 bytes': keys.hs({ sub: 'x'.repeat(129) }),
    'with a sub that is a list': keys.hs({ sub: ['tv'] }),
    'a changed header': `${flip(head, 4)}.${body}.${signature}`,
    'a changed body': `${head}.${flip(body, 8)}.${signature}`,
    'a changed signature': `${head}.${body}.${flip(signature, 3)}`,
    'a cut signature': `${head}.${body}.${signature.slice(0, -4)}`,
    'no signature': `${head}.${body}.`,
    'two parts': `${head}.${body}`,
    'four parts': `${good}.x`,
    'padded parts': `${head}=.${body}.${signature}`,
    'a part that is no JSON': `${Buffer.from('hello').toString('base64url')}.${body}.${signature}`,
    'two subs': (() => {
      const text = `${head}.${Buffer.from(`{"sub":"tv","sub":"admin","acc":"acme","exp":${now() + 60}}`).toString('base64url')}`;
      return `${text}.${crypto.createHmac('sha256', keys.secret).update(text).digest('base64url')}`;
    })(),
    garbage: 'garbage',
    'a long text': 'x'.repeat(5000),
    'nesting without end': `${Buffer.from('['.repeat(2000)).toString('base64url')}.${body}.${signature}`,
    'an empty text': '',
  };
  const bodies = new Set();
  for (const [what, token] of Object.entries(bad)) {
    for (const way of ['header', 'query']) {
      if (way === 'header' && token === '') continue;
      const device = new Device(server, ways[way](token));
      const refusal = await device.opened.then(() => ({ status: 'it came in' }), (error) => error);
      assert.equal(refusal.status, 401, `${what}, ${way}`);
      bodies.add(refusal.body);
    }
    const late = new Device(server, { query: { token, late_errors: '1' } });
    const error = await late.find('error');
    assert.equal(error.code, 'token_refused', what);
    assert.equal((await late.closed).code, 4101, what);
    bodies.add(error.message + '\n');
    const first = new Device(server, {});
    await first.opened;
    first.write({ t: 'auth', token });
    assert.equal((await first.closed).code, 4101, what);
  }
  assert.equal(bodies.size, 1, `one answer for all: ${[...bodies]}`);
  assert.doesNotMatch([...bodies][0], /expired|signature|kid|key|alg|exp/);
  const why = {};
  for (const word of ['malformed', 'algorithm', 'key', 'signature', 'expired', 'early', 'claims'])
    why[word] = await metric(server, 'stentor_auth_failures_total', { why: word });
  assert.ok(Object.values(why).every((x) => x > 0), `the node knows why: ${JSON.stringify(why)}`);
  assert.equal((await present(server, 'header', good)).welcome.device, 'tv');
});

test('without dev-auth a device in the query is nobody', async (t) => {
  const server = await Server.start(t, keyRing(t).settings);
  const device = new Device(server, { device: 'tv' });
  await device.opened;
  device.write({ t: 'send', id: 'm', to: 'tv', data: 1 });
  assert.equal((await device.closed).code, 4101);
});

test('the targets of a token widen what it may reach, and only that', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, keys.settings);
  const join = (claims) => present(server, 'header', keys.hs(claims));
  const other = await join({ sub: 'other', acc: 'other' });
  const third = await join({ sub: 'third', acc: 'third' });
  const plain = await join({ sub: 'plain' });
  const wide = await join({ sub: 'wide', targets: ['other'] });
  const all = await join({ sub: 'all', targets: '*' });
  const reach = async (from) => [(await from.send('plain', 1)).verdict, (await from.send('other', 1)).verdict, (await from.send('third', 1)).verdict];
  assert.deepEqual(await reach(plain), ['written', 'refused', 'refused']);
  assert.deepEqual(await reach(wide), ['written', 'written', 'refused']);
  assert.deepEqual(await reach(all), ['written', 'written', 'written']);
  assert.equal((await wide.send({ account: 'other' }, 1)).verdict, 'written');
  assert.equal((await wide.send({ account: 'third' }, 1)).verdict, 'refused');
  assert.deepEqual([other.received.length, third.received.length], [3, 1]);
  // Rights change with a fresh token, in place.
  plain.write({ t: 'auth', token: keys.hs({ sub: 'plain', targets: ['third'] }) });
  assert.deepEqual(await reach(plain), ['written', 'refused', 'written']);
});

test('a token that ends on a live connection: goaway, then 4102; a fresh one in time extends in place', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, { ...keys.settings, tokenWarning: '1s', tokenGrace: '1s' });
  const join = (sub) => present(server, 'header', keys.hs({ sub, exp: now() + 3 }));
  const [silent, fresh, wrong] = await Promise.all(['silent', 'fresh', 'wrong'].map(join));
  const began = Date.now();
  for (const device of [silent, fresh, wrong]) {
    const goaway = await device.find('goaway');
    assert.equal(goaway.reason, 'token');
    assert.ok(goaway.reconnect_in_ms <= 1000);
  }
  fresh.write({ t: 'auth', token: keys.hs({ sub: 'fresh', exp: now() + 60 }) });
  for (const token of [keys.hs({ sub: 'fresh' }), keys.hs({ sub: 'wrong', acc: 'other' }), keys.hs({ sub: 'wrong', exp: now() - 5 }), 'garbage']) {
    wrong.write({ t: 'auth', token });
    assert.equal((await wrong.next('error')).code, 'token_refused');
  }
  assert.equal((await wrong.send('fresh', 1)).verdict, 'written', 'until the end the old one holds');
  assert.equal((await silent.closed).code, 4102);
  assert.equal((await wrong.closed).code, 4102);
  assert.ok(Date.now() - began < 6000);
  await sleep(1200);
  assert.equal((await fresh.send('fresh', 1)).verdict, 'written');
  assert.equal(fresh.frames('goaway').length, 1);
});

test('a token is good for a resume, too; whoever has another device in it is not resumed', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, { ...keys.settings, loops: 4 });
  const sender = await present(server, 'header', keys.hs({ sub: 'sender' }));
  for (const format of formats) {
    const tv = new Device(server, { token: keys.hs({}), format });
    await tv.welcomed;
    const verdict = sender.send('tv', format, { want: 'acked', timeout_ms: 20_000 });
    const message = await tv.find('msg');
    const thief = new Device(server, { token: keys.hs({ sub: 'thief' }), resume: tv.welcome.session });
    assert.equal((await thief.welcomed).resumed, false);
    await sleep(50);
    assert.equal(tv.end, undefined, 'a stolen session alone ends nothing');
    await tv.drop();
    // In the auth frame it wins over the query.
    const back = new Device(server, { query: { resume: thief.welcome.session }, format });
    await back.opened;
    back.write({ t: 'auth', token: keys.hs({}), resume: tv.welcome.session });
    assert.equal((await back.welcomed).resumed, true);
    assert.equal((await back.find('msg')).id, message.id);
    back.ack(message);
    assert.equal((await verdict).verdict, 'acked');
    assert.deepEqual(thief.received, []);
    await back.close();
    await thief.close();
  }
});

test('with token keys the API asks for its key, and tokens are no API keys', async (t) => {
  const keys = keyRing(t);
  const server = await Server.start(t, keys.settings);
  const ask = (authorization) => server.request('GET', '/v1/devices/tv', { headers: authorization ? { authorization } : {} });
  assert.equal((await ask()).status, 401);
  assert.equal((await ask(`Bearer ${keys.hs({})}`)).status, 401);
  assert.equal((await ask(`Bearer ${keys.settings.apiKey.slice(1)}`)).status, 401);
  assert.equal((await ask(`Basic ${keys.settings.apiKey}`)).status, 401);
  assert.equal((await ask(`Bearer ${keys.settings.apiKey}`)).status, 404);
  const device = new Device(server, { token: keys.settings.apiKey });
  await assert.rejects(device.opened, { status: 401 });
});
