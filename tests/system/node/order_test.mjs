// SPDX-License-Identifier: Apache-2.0
// Numbered messages to a device that hops between loops while they run: the order of each sender holds, every verdict is
// true, and there is exactly one of it. STENTOR_LONG=1 runs 10^6 messages instead of 10^5.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Server, seededRandom, sleep, until } from './harness.mjs';
import { Device, formats } from './device.mjs';

const total = process.env.STENTOR_LONG ? 1_000_000 : 100_000;
const certainLoss = new Set(['offline', 'refused', 'limited', 'invalid', 'expired', 'congested']);

/** The device makes at least this many hops, however fast the machine sends: a share of the numbers waits for each. */
const leastHops = 15;

/** A sender of `count` numbered messages with at most `window` open verdicts; keeps one verdict a number. */
class Numbered {
  next = 0;
  released = 0;
  open = 0;
  doubled = 0;

  constructor(device, index, count, window, options) {
    Object.assign(this, { device, index, count, window, options });
    this.verdicts = new Array(count);
    this.done = new Promise((resolve) => (this.finish = resolve));
    device.keepsLog = false;
    device.onFrame = (frame) => frame.t === 'verdict' && this.take(frame);
  }

  /** Lets one more share of the numbers go. */
  release() {
    this.released = Math.min(this.count, this.released + Math.ceil(this.count / leastHops));
    if (!this.rest) this.fill();
  }

  take({ id, verdict, at, via }) {
    if (this.verdicts[id]) ++this.doubled;
    this.verdicts[id] = { verdict, at, epoch: via?.epoch };
    --this.open;
    // `offline` is answered at once: without a pause a short absence of the device would use up all numbers.
    if (verdict === 'offline') this.rest ??= setTimeout(() => ((this.rest = undefined), this.fill()), 2);
    else if (!this.rest) this.fill();
  }

  fill() {
    while (this.open < this.window && this.next < this.released) {
      const n = this.next++;
      ++this.open;
      this.device.write({ t: 'send', id: String(n), to: 'hopper', data: [this.index, n], ...this.options });
    }
    if (this.open === 0 && this.next === this.count) this.finish();
  }
}

/** A connection of the hopping device: what it received, in order, with the id where it may come again. */
function receive(device) {
  device.keepsLog = false;
  device.got = [];
  device.onFrame = (frame) => {
    if (frame.t !== 'msg') return;
    const [sender, n] = frame.data;
    device.got.push({ sender, n, id: frame.ack ? frame.id : undefined });
    if (frame.ack && device.socket.readyState === 1) device.ack(frame);
  };
  return device;
}

for (const [loops, share] of [[2, 0.4], [4, 0.4], [1, 0.2]])
  test(`order and verdicts are true while the device hops, ${loops} loops, ${total * share} messages`, async (t) => {
    const random = seededRandom(t);
    const server = await Server.start(t, { loops, maxUnackedBytes: '1MiB' });
    const watcher = await Device.connect(server, { device: 'watcher' });
    const online = (name) => watcher.frames('event').filter((x) => x.kind === 'online' && x.device === name);
    watcher.write({ t: 'watch' }); // not answered: it holds once an event came
    await until(async () => (await (await Device.connect(server, { device: 'probe' })).close()) && online('probe').length);
    const connections = [];
    const connect = async (resume) => {
      const device = new Device(server, { device: 'hopper', format: formats[random(2)], resume });
      receive(device);
      await device.welcomed;
      connections.push(device);
      device.epoch = (await until(() => online('hopper')[connections.length - 1], 'its online event')).epoch;
      return device;
    };
    let hopper = await connect();
    const senders = [];
    for (let i = 0; i < 5; ++i) {
      const device = await Device.connect(server, { device: `sender-${i}`, format: formats[i % 2] });
      const options = i === 4 ? { want: 'acked', timeout_ms: 3000 } : {};
      senders.push(new Numbered(device, i, (total * share) / 5, [8, 64, 1, 32, 16][i], options));
    }
    let running = true;
    const all = Promise.all(senders.map((x) => x.done)).then(() => (running = false));
    let resumes = 0;
    while (running) {
      senders.forEach((x) => x.release());
      await Promise.race([all, sleep(5 + random(80))]);
      if (!running) break;
      const resume = random(2) ? hopper.welcome.session : undefined;
      const how = random(3);
      if (how === 0) hopper.taken = true; // its successor takes over
      if (how === 1) await hopper.close();
      if (how === 2) hopper.dropped = true, await hopper.drop();
      if (how > 0 && random(2)) await sleep(random(30));
      const fresh = await connect(resume);
      assert.ok(!fresh.welcome.resumed || resume);
      if (fresh.welcome.resumed) ++resumes;
      await hopper.closed;
      hopper = fresh;
    }
    await all;
    await hopper.close();
    await Promise.all(senders.map((x) => x.device.close()));

    // What arrived, per sender: order over all connections, and where.
    const arrived = senders.map((x) => new Array(x.count));
    const last = senders.map(() => ({ n: -1 }));
    let again = 0;
    const disorder = [];
    const ids = new Set();
    for (const connection of connections)
      for (const { sender, n, id } of connection.got) {
        if (arrived[sender][n]) {
          // A second time only as a redelivery of an unconfirmed message, with its old id.
          assert.ok(id && ids.has(id), `sender ${sender} number ${n} arrived twice`);
          ++again;
          continue;
        }
        arrived[sender][n] = connection;
        if (id) ids.add(id);
        if (n < last[sender].n) {
          const ways = (x) => `connection ${connections.indexOf(x)} (${x.welcome.resumed ? 'resumed' : 'new'}, ${x.dropped ? 'dropped' : x.taken ? 'taken over' : 'closed'})`;
          disorder.push(`${sender}/${n} on ${ways(connection)}, ${JSON.stringify(senders[sender].verdicts[n])}, behind ${last[sender].n} on ${ways(last[sender].connection)} after ${ways(connections[connections.indexOf(connection) - 1])}`);
        }
        else last[sender] = { n, connection };
      }
    const byEpoch = new Map(connections.map((x) => [x.epoch, x]));
    assert.equal(byEpoch.size, connections.length);
    const told = {};
    const wrong = [];
    for (const { index, verdicts, doubled, device } of senders) {
      assert.equal(doubled, 0, `${device.name} was told twice`);
      for (const [n, said] of verdicts.entries()) {
        told[said?.verdict] = (told[said?.verdict] ?? 0) + 1;
        const connection = arrived[index][n];
        if (!said) wrong.push(`${index}/${n}: no verdict`);
        else if (certainLoss.has(said.verdict) && connection) wrong.push(`${index}/${n}: ${said.verdict}, but it arrived`);
        else if (said.verdict === 'acked' && !connection) wrong.push(`${index}/${n}: acked, but nobody had it`);
        else if (said.verdict === 'written' && !connection && !byEpoch.get(said.epoch)?.dropped)
          wrong.push(`${index}/${n}: written to a connection that ended in order, but not there`);
        else if (said.verdict === 'written' && connection && connection.epoch !== said.epoch)
          wrong.push(`${index}/${n}: written via ${said.epoch}, but it arrived via ${connection.epoch}`);
        else if (said.verdict === 'unreachable' && !(index === 4 && said.at === 'written'))
          wrong.push(`${index}/${n}: unreachable at ${said.at} on one healthy node`);
      }
    }
    t.diagnostic(`${connections.length} connections, ${resumes} resumed, ${again} redelivered, ${JSON.stringify(told)}`);
    assert.deepEqual(wrong.slice(0, 20), []);
    assert.deepEqual(disorder.slice(0, 20), [], 'messages behind a later one of their sender');
    assert.ok(connections.length >= leastHops && resumes > 0, `${connections.length} connections, ${resumes} resumed`);
    assert.ok((told.written ?? 0) + (told.acked ?? 0) > total * share * 0.5, JSON.stringify(told));
  });

test('order holds while the sender hops: what it sends after a resume never overtakes what it sent before', async (t) => {
  const random = seededRandom(t);
  const server = await Server.start(t, { loops: 4 });
  const targets = await Promise.all([0, 1, 2].map((i) => Device.connect(server, { device: `target-${i}` })));
  const verdicts = new Map();
  let doubled = 0;
  let sender;
  let next = 0;
  const surely = []; // numbers sent on connections that ended with a close handshake
  const connect = async (resume) => {
    const device = new Device(server, { device: 'hopper', resume });
    device.keepsLog = false;
    device.onFrame = (frame) => {
      if (frame.t !== 'verdict') return;
      if (verdicts.has(Number(frame.id))) ++doubled;
      verdicts.set(Number(frame.id), frame.verdict);
    };
    await device.welcomed;
    return device;
  };
  sender = await connect();
  for (let round = 0; round < 300; ++round) {
    const sent = [];
    for (let burst = random(3); burst >= 0; --burst) {
      for (let i = random(15); i >= 0; --i) {
        sent.push(next);
        sender.write({ t: 'send', id: String(next), to: `target-${random(3)}`, data: next++ });
      }
      if (random(2)) await sleep(random(4));
    }
    const how = random(3);
    const before = sender;
    if (how === 0) await before.close();
    if (how === 0) surely.push(...sent);
    if (how === 1) await before.drop();
    sender = await connect(before.welcome.session);
    assert.equal(sender.welcome.resumed, true);
    await before.closed;
  }
  sender.write({ t: 'send', id: String(next), to: 'target-0', data: next });
  await until(() => verdicts.has(next), 'the last verdict');
  await sender.close();
  let disorder = 0;
  const arrived = new Set();
  for (const { received } of targets) {
    received.forEach((n, i) => (disorder += i > 0 && n <= received[i - 1]));
    received.forEach((n) => arrived.add(n));
  }
  assert.equal(disorder, 0, 'messages behind a later one');
  assert.equal(doubled, 0);
  assert.deepEqual(surely.filter((n) => !arrived.has(n)), [], 'sent before a close handshake, and not there');
  assert.deepEqual(surely.filter((n) => !verdicts.has(n)), [], 'owed verdicts that never came');
  for (const [n, verdict] of verdicts) assert.equal(verdict === 'written', arrived.has(n), `${n} is ${verdict}`);
});
