// SPDX-License-Identifier: Apache-2.0
// Makes journals of an imagined cluster that tells the truth, seeded: devices connect, move and break, messages are
// written, acked, lost with their connection or refused, and watchers hear of it. What the oracle must find nothing in.
import { Random } from './random.mjs';

const epochZero = 1_800_000_000_000; // milliseconds

/**
 * `devices` of one account plus a watcher `w`; `steps` things happen, some milliseconds apart. `losesRedis`: once all is
 * quiet, and before the devices leave, Redis is killed and comes back empty.
 */
export function goodJournal(seed, { devices = 4, steps = 300, losesRedis = false } = {}) {
  const world = new World(new Random(seed), devices);
  for (let i = 0; i < steps; ++i) world.step();
  if (losesRedis) world.loseRedis();
  return world.finish();
}

class World {
  now = epochZero;
  epoch = 0;

  constructor(random, count) {
    this.random = random;
    this.journal = { devices: {}, messages: [], verdicts: [], faults: [], audits: [] };
    for (const name of ['w', ...Array.from({ length: count }, (_, i) => `d${i}`)]) {
      this.journal.devices[name] = { account: 'acme', format: 'json', connections: [], received: [], events: [] };
      this.connect(name);
    }
    this.watching = this.log('w').connections[0];
    this.watching.watchedAt = this.now;
    this.names = Object.keys(this.journal.devices).filter((x) => x !== 'w');
    this.unacked = new Map(this.names.map((x) => [x, []]));
    this.now += 2000;
  }

  log(name) {
    return this.journal.devices[name];
  }

  current(name) {
    const last = this.log(name).connections.at(-1);
    return last?.endedAt === undefined ? last : undefined;
  }

  tell(kind, device, epoch) {
    if (this.watching) this.log('w').events.push({ c: this.watching.c, at: this.now, kind, device, epoch });
  }

  connect(name, resumed = false) {
    const log = this.log(name);
    this.now += 2;
    const connection = { c: log.connections.length, node: `n${1 + this.random.below(3)}`, startedAt: this.now };
    connection.epoch = (this.epoch = this.now * 1000 + 500);
    connection.welcomedAt = this.now + 1;
    connection.resumed = resumed;
    this.now += 20; // so that no two binds of a device could be one another's
    log.connections.push(connection);
    this.tell('online', name, connection.epoch);
    if (resumed) for (const message of this.unacked.get(name)) this.deliver(message, name);
    else this.unacked?.set(name, []);
    return connection;
  }

  end(name, by) {
    const connection = this.current(name);
    const code = { client: 1000, server: 4000, reset: 1006, silence: 1006 }[by];
    Object.assign(connection, { endedAt: this.now, by, code });
    this.tell('offline', name, connection.epoch);
    this.now += 10;
  }

  deliver(message, name) {
    const connection = this.current(name);
    const ack = message.want === 'acked';
    const id = `id${message.m}`;
    this.log(name).received.push({ c: connection.c, at: this.now, id, m: message.m, to: message.to, from: message.from, ack });
    return { node: connection.node, epoch: connection.epoch };
  }

  answer(message, verdict, more = {}) {
    const asked = message.want !== 'none' && !(message.want === 'errors' && ['written', 'acked'].includes(verdict));
    const there = this.current(message.from);
    if (!asked || !there) return;
    this.now += 1;
    this.journal.verdicts.push({ m: message.m, at: this.now, c: there.c, verdict, ...more });
  }

  step() {
    this.now += this.random.below(20);
    const name = this.random.pick(this.names);
    if (!this.current(name)) return void this.connect(name, this.log(name).connections.length > 0 && this.random.chance(0.7));
    if (this.random.chance(0.1)) return void this.end(name, this.random.pick(['client', 'client', 'server', 'reset', 'silence']));
    this.send(name);
  }

  send(from) {
    const to = this.random.pick(this.names);
    const want = this.random.weighted({ written: 5, acked: 3, errors: 1, none: 1 });
    const { node, c } = this.current(from);
    const message = { m: this.journal.messages.length, from, to, want, timeoutMs: 1000, sentAt: this.now, node, c };
    this.journal.messages.push(message);
    const there = this.current(to);
    if (!there) return this.answer(message, 'offline');
    const fate = this.random.weighted({ through: 80, refused: 5, lost: 5, unknown: 5 });
    if (fate === 'refused') return this.answer(message, this.random.pick(['limited', 'congested', 'invalid', 'expired']));
    if (fate === 'unknown') return this.answer(message, 'unreachable', { stage: 'sent' });
    if (fate === 'lost' && to !== from && want === 'written') {
      // In the kernel's hands when the connection broke.
      this.answer(message, 'written', { via: { node: there.node, epoch: there.epoch } });
      return this.end(to, 'reset');
    }
    const via = this.deliver(message, to);
    if (want !== 'acked') return this.answer(message, 'written', { via });
    if (this.random.chance(0.8)) return this.answer(message, 'acked', { via });
    this.unacked.get(to).push(message); // never confirmed: comes again with each resume
    this.answer(message, 'unreachable', { stage: 'written' });
  }

  /** The watcher gets the list of who is back by then, and hears of the others when they are. */
  loseRedis() {
    this.now += 25_000;
    const fault = { kind: 'redis-kill', from: this.now };
    this.now += 1000 + this.random.below(15_000);
    fault.to = this.now;
    this.journal.faults.push(fault);
    this.now += 300 + this.random.below(1700);
    const there = this.names.filter((x) => this.current(x));
    const late = there.filter(() => this.random.chance(0.3));
    this.log('w').events.push({ c: this.watching.c, at: this.now, kind: 'resync', devices: there.filter((x) => !late.includes(x)) });
    this.now += 500;
    for (const name of late) this.tell('online', name, this.current(name).epoch);
    this.now += 30_000;
  }

  finish() {
    this.now += 5000;
    for (const device of this.names)
      for (const asked of ['n1', 'n2', 'n3']) {
        const there = this.current(device);
        const answer = there ? { node: there.node, epoch: there.epoch } : null;
        this.journal.audits.push({ at: this.now, round: 'settled', asked, device, answer, truth: there ? { node: there.node, c: there.c } : null });
      }
    for (const name of this.names) if (this.current(name)) this.end(name, 'client');
    this.journal.endedAt = this.now + 20_000;
    return this.journal;
  }
}
