// SPDX-License-Identifier: Apache-2.0
// SIGTERM in the middle of traffic: whoever was told `written` was told the truth, and nobody is left in the dark.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Server, sleep, until } from './harness.mjs';
import { Device, formats } from './device.mjs';

const recycled = 4000;
const certainLoss = new Set(['offline', 'refused', 'limited', 'invalid', 'expired', 'congested']);

/** Keeps `device` sending acks, of everything it gets and of nothing at all: there is always input to be discarded. */
function ackWithoutEnd(device) {
  device.onFrame = (frame) => frame.t === 'msg' && device.socket.readyState === 1 && device.ack(frame);
  const timer = setInterval(() => {
    if (device.socket.readyState !== 1) return clearInterval(timer);
    for (let i = 0; i < 20; ++i) device.ack({ id: '01HF0000000000000000000000' });
  }, 5);
}

/** Sends to all `targets` in turn until closed, at most `window` verdicts open; remembers who was sent what. */
function sendWithoutEnd(sender, targets, payload, window) {
  const posts = new Map(); // id -> target
  let open = 0;
  let turn = 0;
  const fill = () => {
    while (open < window && sender.socket.readyState === 1) {
      const target = targets[turn++ % targets.length];
      posts.set(sender.post(target, { n: posts.size, payload }, turn % 4 ? {} : { want: 'acked' }), target);
      ++open;
    }
  };
  sender.onFrame = (frame) => {
    if (frame.t === 'verdict') --open;
    setImmediate(fill);
  };
  fill();
  return posts;
}

for (const loops of [1, 2, 4])
  test(`100 devices that ack while SIGTERM arrives with queued data have all that was written, ${loops} loops`, async (t) => {
    const server = await Server.start(t, { loops, goawayGrace: '700ms', closeLinger: '2s' });
    const receivers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => Device.connect(server, { device: `r${i}`, format: formats[i % 2] })),
    );
    const senders = await Promise.all(
      Array.from({ length: 4 }, (_, i) => Device.connect(server, { device: `s${i}`, format: formats[i % 2] })),
    );
    receivers.forEach(ackWithoutEnd);
    const names = receivers.map((x) => x.name);
    const posts = senders.map((x, i) => sendWithoutEnd(x, names, 'x'.repeat(2000 + 5000 * i), 500));
    await until(() => receivers.every((x) => x.frames('msg').length > 2), 'traffic');
    // A third does not read for a while: its data waits in the cork and in the kernel when the signal comes. Some of them
    // read on only after the server said goodbye, and one in ten leaves by itself when it is asked to.
    const slow = receivers.filter((_, i) => i % 3 === 0);
    slow.forEach((x) => x.socket.pause());
    await sleep(200);
    receivers.filter((_, i) => i % 10 === 1).forEach((x) => {
      const onFrame = x.onFrame;
      x.onFrame = (frame) => (frame.t === 'goaway' ? x.close() : onFrame(frame));
    });
    const ended = server.stop();
    slow.forEach((x, i) => setTimeout(() => x.socket.resume(), 50 + 40 * i));
    await ended;
    await Promise.all([...receivers, ...senders].map((x) => x.closed));

    const told = {};
    let wrong = 0;
    for (const [i, sender] of senders.entries()) {
      const verdicts = new Map();
      for (const { id, verdict } of sender.frames('verdict')) {
        assert.ok(!verdicts.has(id), 'one verdict a message');
        verdicts.set(id, verdict);
        told[verdict] = (told[verdict] ?? 0) + 1;
      }
      const arrived = new Set();
      for (const receiver of receivers)
        for (const { from, data } of receiver.frames('msg')) if (from === sender.name) arrived.add(`m${data.n + 1}`);
      for (const [id, verdict] of verdicts) {
        if ((verdict === 'written' || verdict === 'acked') && !arrived.has(id)) ++wrong;
        if (certainLoss.has(verdict) && arrived.has(id)) ++wrong;
      }
      assert.ok(verdicts.size > 100, `sender ${i} had traffic`);
    }
    t.diagnostic(JSON.stringify(told));
    assert.equal(wrong, 0, `verdicts that were not true: ${JSON.stringify(told)}`);
    for (const device of [...receivers, ...senders]) {
      const goaway = device.log.find((x) => x.t === 'goaway');
      assert.equal(goaway?.reason, 'drain', device.name);
      assert.ok(goaway.reconnect_in_ms <= 700);
      assert.ok([recycled, 1000].includes(device.end.code), `${device.name} ended with ${device.end.code}`);
    }
    assert.match(server.stderr, /info +node stopped devices=104 remaining=0 /);
  });

test('a draining node takes no more devices and ends without waiting for those that left', async (t) => {
  const server = await Server.start(t, { goawayGrace: '5s' });
  const leaver = await Device.connect(server, { device: 'leaver' });
  const stayer = await Device.connect(server, { device: 'stayer' });
  const began = Date.now();
  const ended = server.stop();
  await leaver.find('goaway');
  await assert.rejects(Device.connect(server, { device: 'late' }));
  // Verdicts are still told during the grace.
  assert.equal((await leaver.send('stayer', 1)).verdict, 'written');
  await Promise.all([leaver.close(), stayer.close()]);
  await ended;
  assert.ok(Date.now() - began < 4000, 'the grace is not waited out');
});

for (const loops of [1, 2])
  test(`back ends whose push is under way at SIGTERM are answered before the end, ${loops} loops`, async (t) => {
    const server = await Server.start(t, { loops, goawayGrace: '300ms', closeLinger: '1s' });
    const devices = await Promise.all([0, 1, 2, 3].map((i) => Device.connect(server, { device: `d${i}` })));
    const push = (name) =>
      server.request('POST', `/v1/devices/${name}/messages?want=acked&timeout_ms=30000`, { body: '1' });
    const answers = devices.map((x) => push(x.name));
    await Promise.all(devices.map((x) => x.find('msg')));
    // The first one acks while it is asked to leave, the second leaves without a word, the others are closed.
    devices[0].onFrame = (frame) => frame.t === 'goaway' && devices[0].ack(devices[0].frames('msg')[0]);
    devices[1].onFrame = (frame) => frame.t === 'goaway' && devices[1].close();
    await server.stop();
    const [acked, ...others] = await Promise.all(answers);
    assert.equal(acked.json.verdict, 'acked');
    for (const { status, json } of others) {
      assert.equal(status, 504);
      assert.equal(json.verdict, 'unreachable');
      assert.equal(json.at, 'written');
    }
  });

test('devices that have not authenticated and half-open handshakes do not hold up the end', async (t) => {
  const server = await Server.start(t, { devAuth: false, tokenKey: `:HS256:${'s'.repeat(32)}`, goawayGrace: '5s', apiKey: 'k'.repeat(32) });
  const silent = new Device(server, { device: undefined });
  await silent.opened;
  const { RawSocket } = await import('./raw.mjs');
  const half = await RawSocket.open(t, server.device);
  await half.write('GET /v1/connect HTTP/1.1\r\nHost: a\r\n');
  const began = Date.now();
  await server.stop();
  assert.ok(Date.now() - began < 4000);
  assert.equal((await silent.closed).code, 1001);
});
