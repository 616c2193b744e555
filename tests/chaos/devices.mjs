// SPDX-License-Identifier: Apache-2.0
// A simulated device: does by itself what docs/protocol.md asks of one (full-jitter backoff over all addresses, resume,
// goaway, close codes, its own idea of a dead node), reconnects at random, and writes everything it sees into the
// journal. It lives until `leave`.
import { Device } from '../system/node/device.mjs';
import { sleep } from '../system/node/harness.mjs';

/** Times in milliseconds. The backoff's cap and the reset of its count are the protocol's, scaled to short runs. */
export const usualHabits = {
  churnMs: 15_000, // between reconnects of its own will, on average; 0: none
  resetShare: 0.1, // of them without a close handshake
  resumeShare: 0.85, // of new connections that try to resume
  takeOverShare: 0.3, // of orderly ones that connect first and let the node close the old one
  backoffMs: 500,
  backoffCapMs: 4_000,
  steadyMs: 5_000, // a connection this old makes the next failure a first one
  connectMs: 10_000, // an upgrade without an answer is given up
  watches: false,
};

export class SimDevice {
  current = null; // the connection that was welcomed last, while it is open
  failures = 0;
  leaving = false;

  /** `nodes`: all that may be connected to, each with `id` and `url(query)`. */
  constructor({ name, account, format, nodes, random, journal, habits = {} }) {
    Object.assign(this, { name, account, format, nodes, random, journal });
    this.habits = { ...usualHabits, ...habits };
    this.log = journal.device(name, { account, format });
    this.open = new Set();
  }

  start() {
    this.connect();
    this.planChurn();
  }

  // -- connections ----

  connect() {
    clearTimeout(this.retry);
    this.retry = undefined;
    if (this.leaving) return;
    const node = this.random.pick(this.nodes);
    const entry = this.journal.connection(this.log, node.id);
    const resume = this.session && this.random.chance(this.habits.resumeShare) ? this.session : undefined;
    const { name: device, account, format } = this;
    const connection = { entry, node, device: new Device(node, { device, account, format, resume }), by: 'server' };
    this.pending = connection;
    this.open.add(connection);
    connection.device.keepsLog = false;
    connection.device.onFrame = (frame) => this.take(connection, frame);
    connection.device.opened.catch((error) => this.refused(connection, error));
    connection.device.closed.then((end) => this.closed(connection, end));
    const heard = () => (connection.heardAt = Date.now());
    heard();
    connection.device.socket.on('ping', heard);
    connection.patience = setInterval(() => this.checkSilence(connection), 500);
  }

  refused(connection, { status, headers }) {
    connection.entry.status = status;
    connection.leastWaitMs = Number(headers?.['retry-after'] ?? 0) * 1000;
  }

  /** A node is dead after a heartbeat and 10 s without a byte; an upgrade without an answer before that. */
  checkSilence(connection) {
    const { entry, heardAt, heartbeatMs } = connection;
    const limit = entry.welcomedAt ? heartbeatMs + 10_000 : this.habits.connectMs;
    if (Date.now() - heardAt > limit) this.end(connection, 'silence');
  }

  closed(connection, { code }) {
    const { entry } = connection;
    clearInterval(connection.patience);
    this.open.delete(connection);
    entry.endedAt = Date.now();
    entry.code = code;
    // Both may begin at once: the code is of the close frame that came, and ours is always 1000.
    entry.by = connection.by === 'client' && code !== 1000 && code !== 1006 ? 'server' : connection.by;
    const wasWanted = connection === this.current || connection === this.pending;
    if (connection === this.current) this.current = null;
    if (connection === this.pending) this.pending = null;
    if (this.leaving || !wasWanted || this.pending || this.current || this.retry) return;
    if (entry.by === 'client' || entry.by === 'reset') this.reconnectIn(this.random.between(0, 300));
    else if (code === 4000) this.reconnectIn(0);
    else this.backOff(connection);
  }

  backOff({ entry, leastWaitMs = 0 }) {
    if (entry.welcomedAt && entry.endedAt - entry.welcomedAt > this.habits.steadyMs) this.failures = 0;
    const most = Math.min(this.habits.backoffCapMs, this.habits.backoffMs * 2 ** this.failures++);
    this.reconnectIn(Math.max(Math.min(leastWaitMs, this.habits.backoffCapMs), this.random.between(0, most)));
  }

  reconnectIn(ms) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), ms);
  }

  /** Ends a connection as `by` says: 'client' shakes hands, 'reset' and 'silence' do not. */
  end(connection, by) {
    connection.by = by;
    if (by === 'client') connection.device.close();
    else connection.device.reset();
  }

  // -- churn ----

  planChurn() {
    if (this.habits.churnMs) this.churn = setTimeout(() => (this.reconnect(), this.planChurn()), this.random.exponential(this.habits.churnMs));
  }

  /** Reconnects of its own will; holds on while it is busy connecting. */
  reconnect() {
    const connection = this.current;
    if (!connection || this.pending || this.retry || this.leaving) return;
    if (this.random.chance(this.habits.resetShare)) this.end(connection, 'reset');
    else if (this.random.chance(this.habits.takeOverShare)) this.connect();
    else this.end(connection, 'client');
  }

  stopChurn() {
    clearTimeout(this.churn);
    this.habits.churnMs = 0;
  }

  /** Ends for good; `by` as in `end`. */
  async leave(by = 'client') {
    this.leaving = true;
    this.stopChurn();
    clearTimeout(this.retry);
    const all = [...this.open];
    for (const connection of all) this.end(connection, connection.entry.welcomedAt ? by : 'reset');
    const done = Promise.all(all.map((x) => x.device.closed));
    await Promise.race([done, sleep(5000)]);
    for (const connection of this.open) this.end(connection, 'silence');
    await done;
  }

  // -- frames ----

  take(connection, frame) {
    connection.heardAt = Date.now();
    switch (frame.t) {
      case 'welcome': return this.welcome(connection, frame);
      case 'msg': return this.message(connection, frame);
      case 'event': return this.journal.event(this.log, connection.entry, frame);
      case 'devices':
        connection.entry.watchedAt = Date.now();
        return this.journal.event(this.log, connection.entry, { kind: 'snapshot', devices: frame.devices });
      case 'verdict': return this.journal.verdict(numberOf(frame.id), connection.entry.c, frame);
      case 'error':
        if (frame.id) this.journal.verdict(numberOf(frame.id), connection.entry.c, { verdict: 'invalid', error: true });
        return undefined;
      case 'goaway': return this.goaway(connection, frame);
    }
  }

  welcome(connection, { resumed, session, heartbeat_ms }) {
    Object.assign(connection.entry, { welcomedAt: Date.now(), resumed });
    connection.heartbeatMs = heartbeat_ms;
    this.session = session;
    this.current = connection;
    this.pending = null;
    if (!this.habits.watches) return;
    // Answers come in order: once the list is here, the watch stands.
    connection.device.write({ t: 'watch' });
    connection.device.write({ t: 'devices' });
  }

  /** Written down before it is confirmed: an ack is a promise that the log has it. */
  message(connection, frame) {
    this.journal.receive(this.log, connection.entry, frame);
    if (!frame.ack) return;
    const ack = () => isOpen(connection) && connection.device.ack(frame);
    const mood = this.random.unit();
    if (mood < 0.85) ack();
    else if (mood < 0.95) setTimeout(ack, this.random.between(0, 1500));
  }

  /** Waits as it is told, then comes back by taking over, or closes first. */
  goaway(connection, { reconnect_in_ms = 0, reason }) {
    if (reason === 'token' || connection !== this.current || this.leaving) return;
    setTimeout(() => {
      if (connection !== this.current || this.pending || this.retry) return;
      if (this.random.chance(0.5)) this.connect();
      else this.end(connection, 'client');
    }, reconnect_in_ms);
  }

  // -- sending ----

  get canSend() {
    return this.current !== null && isOpen(this.current);
  }

  /** Sends one numbered message; `options` are fields of `send`. Call only while `canSend`. */
  send(to, pad, { want = 'written', timeout_ms = 5000, ...options } = {}, note = {}) {
    const { entry, device, node } = this.current;
    const fields = { from: this.name, to, want, timeoutMs: timeout_ms, node: node.id, c: entry.c, key: options.key, ...note };
    const { m } = this.journal.message(fields);
    device.write({ t: 'send', id: `m${m}`, to, want, timeout_ms, ...options, data: { m, to, pad } });
  }
}

const numberOf = (id) => Number(id.slice(1));
const isOpen = (connection) => connection.device.socket.readyState === 1;
