// SPDX-License-Identifier: Apache-2.0
// A device that comes back: takeover of its old connection, resume on any loop, and nothing lost or invented by either.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Server, sleep, until } from './harness.mjs';
import { Device, formats } from './device.mjs';
import { openWebSocket } from './raw.mjs';

const superseded = 4100;
const resume = (device) => ({ device: device.name, format: device.format, resume: device.welcome.session });

for (const loops of [1, 2, 4])
  test(`a second connection takes over with ${loops} loops: the old one is closed 4100, the new one is reachable`, async (t) => {
    const server = await Server.start(t, { loops });
    const sender = await Device.connect(server, { device: 'sender' });
    let before;
    for (let i = 0; i < 20; ++i) {
      const old = await Device.connect(server, { device: 'tv', format: formats[i % 2] });
      // Until it has heard of its successor, the one before may still be written to: that is no lie, but not this test.
      if (before) await before.closed;
      assert.equal((await sender.send('tv', i)).verdict, 'written');
      const fresh = await Device.connect(server, { device: 'tv', format: formats[(i >> 1) % 2] });
      assert.equal((await old.closed).code, superseded);
      assert.equal((await sender.send('tv', i + 1000)).verdict, 'written');
      await fresh.find((frame) => frame.data === i + 1000);
      assert.deepEqual(old.received, [i]);
      assert.deepEqual(fresh.received, [i + 1000]);
      before = fresh;
      if (i % 3 === 0) await fresh.close(); // the rest is taken over in the next round, too
    }
  });

test('the late end of an old connection never removes the new one, whichever way it ends', async (t) => {
  const server = await Server.start(t, { closeLinger: '300ms' });
  const sender = await Device.connect(server, { device: 'sender' });
  const ends = {
    'a reset': (old) => old.reset(),
    'its end of stream': (old) => old.end(),
    'a close frame that comes late': (old) => old.frame(8, Buffer.from([0x03, 0xe8])),
    'silence until the linger time is over': () => {},
  };
  for (const [what, finish] of Object.entries(ends))
    for (let round = 0; round < 5; ++round) {
      const old = await openWebSocket(t, server, { device: 'tv' });
      await old.text((frame) => frame.t === 'welcome');
      const fresh = await Device.connect(server, { device: 'tv' });
      await sleep(round * 20);
      finish(old);
      await sleep(20 + 100 * (round === 4));
      assert.equal((await sender.send('tv', what)).verdict, 'written', what);
      await until(() => fresh.received.length === 1, `the message after ${what}`);
      await old.ended;
      assert.equal((await sender.send('tv', what)).verdict, 'written', `${what}, when it is over`);
      await fresh.drop();
    }
});

test('a resumed device gets its unconfirmed messages first, same ids, in order, wherever it lands', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const sender = await Device.connect(server, { device: 'sender' });
  let tv = await Device.connect(server, { device: 'tv' });
  let crossings = 0;
  for (let round = 0; round < 40; ++round) {
    const verdicts = [];
    for (let i = 0; i < 10; ++i) verdicts.push(sender.send('tv', { round, i }, { want: 'acked', timeout_ms: 20_000 }));
    await until(() => tv.frames('msg').filter((x) => x.data.round === round).length === 10, 'ten messages');
    const first = tv.frames('msg').filter((x) => x.data.round === round);
    tv.ack(first[3]);
    assert.equal((await verdicts[3]).verdict, 'acked');
    const unconfirmed = first.filter((_, i) => i !== 3).map(({ id, data, from }) => ({ id, data, from }));
    const before = tv;
    if (round % 3 === 1) await before.drop();
    if (round % 3 === 2) await before.close();
    tv = await Device.connect(server, resume(before));
    assert.equal(tv.welcome.resumed, true, `round ${round}`);
    if (tv.loop !== before.loop) ++crossings;
    const news = sender.send('tv', { round, news: true });
    assert.equal((await news).verdict, 'written');
    await until(() => tv.frames('msg').length >= 10, 'nine again and one more');
    const got = tv.frames('msg').map(({ id, data, from }) => ({ id, data, from }));
    assert.deepEqual(got.slice(0, 9), unconfirmed);
    assert.deepEqual(got.slice(9).map((x) => x.data), [{ round, news: true }]);
    for (const frame of tv.frames('msg')) if (frame.ack) tv.ack(frame);
    for (const [i, verdict] of (await Promise.all(verdicts)).entries()) assert.equal(verdict.verdict, 'acked', `message ${i}`);
    if (round % 3 === 0) assert.equal((await before.closed).code, superseded);
  }
  assert.ok(crossings >= 10, `only ${crossings} of 40 resumes crossed loops`);
});

test('a resume in the other format brings the unconfirmed messages in that format', async (t) => {
  const server = await Server.start(t);
  const sender = await Device.connect(server, { device: 'sender' });
  const tv = await Device.connect(server, { device: 'tv', format: 'json' });
  const verdict = sender.send('tv', { text: 'héllo', n: [1, 2] }, { want: 'acked', timeout_ms: 20_000 });
  const first = await tv.next('msg');
  await tv.drop();
  const again = await Device.connect(server, { device: 'tv', format: 'msgpack', resume: tv.welcome.session });
  assert.equal(again.welcome.resumed, true);
  const second = await again.find('msg');
  assert.deepEqual(second, first);
  again.ack(second);
  assert.equal((await verdict).verdict, 'acked');
});

test('welcome.resumed is false for whatever is not the own, living session', async (t) => {
  const server = await Server.start(t, { resumeWindow: '1s' });
  const other = await Device.connect(server, { device: 'other' });
  const flip = (text, at) => {
    const bytes = Buffer.from(text, 'base64url');
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    return bytes.toString('base64url');
  };
  const wrong = {
    'another secret': (session) => flip(session, -1),
    'another generation': (session) => flip(session, 21),
    'a session index that does not exist': (session) => flip(session, 10),
    'a loop that does not exist': (session) => flip(session, 8),
    'another incarnation': (session) => flip(session, 0),
    "another device's session": () => other.welcome.session,
    garbage: () => 'x'.repeat(51),
    'bad base64': () => '!!not base64!!',
    'a long text': () => 'A'.repeat(4000),
  };
  for (const [what, forge] of Object.entries(wrong))
    for (const end of ['drop', 'stay']) {
      const old = await Device.connect(server, { device: 'tv' });
      const session = forge(old.welcome.session);
      if (end === 'drop') await old.drop();
      const fresh = await Device.connect(server, { device: 'tv', resume: session });
      assert.equal(fresh.welcome.resumed, false, `${what}, ${end}`);
      if (end === 'stay') assert.equal((await old.closed).code, superseded, what);
      await fresh.close();
    }
  // The other device lost nothing by that.
  assert.equal((await other.send('other', 1)).verdict, 'written');
  await other.drop();
  const back = await Device.connect(server, resume(other));
  assert.equal(back.welcome.resumed, true);
  // A session is resumed once: its token is spent, and the window is an end.
  await back.drop();
  assert.equal((await Device.connect(server, resume(other))).welcome.resumed, false);
  const last = await Device.connect(server, { device: 'late' });
  await last.drop();
  await sleep(1500);
  assert.equal((await Device.connect(server, resume(last))).welcome.resumed, false);
});

test('verdicts owed to a sender that was away arrive after it resumes', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const tv = await Device.connect(server, { device: 'tv', account: 'acme' });
  let crossings = 0;
  for (let round = 0; round < 30; ++round) {
    const before = await Device.connect(server, { device: 'sender' });
    const while_away = before.post('tv', { round, which: 'away' }, { want: 'acked', timeout_ms: 20_000 });
    const to_account = before.post({ account: 'acme', except_me: true }, { round, which: 'account' }, { want: 'acked', timeout_ms: 20_000 });
    const after_resume = before.post('tv', { round, which: 'later' }, { want: 'acked', timeout_ms: 20_000 });
    const got = async (which) => tv.find((x) => x.t === 'msg' && x.data.round === round && x.data.which === which);
    await got('later');
    await before.drop();
    tv.ack(await got('away'));
    if (round % 2) await sleep(30);
    const sender = await Device.connect(server, resume(before));
    assert.equal(sender.welcome.resumed, true);
    if (sender.loop !== before.loop) ++crossings;
    tv.ack(await got('account'));
    tv.ack(await got('later'));
    for (const id of [while_away, after_resume, to_account]) {
      const verdict = await sender.find((x) => x.t === 'verdict' && x.id === id);
      assert.equal(verdict.verdict, 'acked', `round ${round}, ${id}`);
    }
    const { devices } = sender.log.find((x) => x.id === to_account);
    assert.deepEqual(devices.map((x) => [x.device, x.verdict]), [['tv', 'acked']]);
    await sender.close();
    assert.equal(sender.frames('verdict').length, 3, 'one verdict a message');
  }
  assert.ok(crossings >= 5);
});

test('idempotency keys survive a resume: a key that reached the device is a duplicate ever after', async (t) => {
  const server = await Server.start(t, { loops: 4 });
  const sender = await Device.connect(server, { device: 'sender' });
  let tv = await Device.connect(server, { device: 'tv' });
  for (let round = 0; round < 20; ++round) {
    const key = `order-${round}`;
    assert.equal((await sender.send('tv', round, { key })).verdict, 'written');
    if (round % 2) await tv.drop();
    tv = await Device.connect(server, resume(tv));
    assert.equal(tv.welcome.resumed, true);
    for (let old = 0; old <= round; ++old) {
      const again = await sender.send('tv', old, { key: `order-${old}` });
      assert.equal(again.verdict, 'duplicate');
      assert.equal(again.first, 'written');
    }
    const other = await sender.send('tv', 'another body', { key });
    assert.equal(other.verdict, 'invalid');
    assert.deepEqual(tv.received, []);
  }
});

test('a device that comes back 1 ms after it closed is reachable every time', async (t) => {
  const server = await Server.start(t);
  const sender = await Device.connect(server, { device: 'sender' });
  let session;
  for (let round = 0; round < 200; ++round) {
    const tv = await Device.connect(server, { device: 'tv', resume: round % 2 ? session : undefined });
    assert.equal((await sender.send('tv', round)).verdict, 'written', `round ${round}`);
    await until(() => tv.received.length === 1, `message ${round}`);
    session = tv.welcome.session;
    if (round % 3 === 0) tv.socket.terminate();
    else tv.socket.close();
    await sleep(1);
  }
});

test('of two connections at the same instant exactly one survives and is reachable', async (t) => {
  const server = await Server.start(t);
  const sender = await Device.connect(server, { device: 'sender' });
  for (let round = 0; round < 100; ++round) {
    const both = [new Device(server, { device: 'tv' }), new Device(server, { device: 'tv' })];
    const loser = await Promise.race(both.map((x) => x.closed.then(() => x)));
    const winner = both.find((x) => x !== loser);
    assert.equal(loser.end.code, superseded);
    await winner.find('welcome');
    assert.equal((await sender.send('tv', round)).verdict, 'written', `round ${round}`);
    await until(() => winner.received.length === 1, `message ${round}`);
    assert.equal(winner.end, undefined);
    assert.deepEqual(loser.received, []);
    if (round % 2) winner.socket.terminate();
    else await winner.close();
  }
});
