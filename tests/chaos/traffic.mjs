// SPDX-License-Identifier: Apache-2.0
// Numbered messages of every kind the product has, at a steady rate with bursts: between devices, to accounts, and as
// back ends over HTTP, singly and in batches. What is sent and every answer goes into the journal; nothing is judged.
import http from 'node:http';
import { sleep } from '../system/node/harness.mjs';

const tickMs = 20;
const patienceMs = 4000; // an HTTP answer this long after its last deadline is waited for no more

export const usualTraffic = {
  perSecond: 150,
  httpShare: 0.25, // of the messages
  accountShare: 0.03,
  foreignShare: 0.01, // to a device of another account: `refused`
  badShare: 0.01, // with a payload that has no image in the other format
  keyShare: 0.05,
  repeatShare: 0.3, // of keys used again at once
  ttlShare: 0.04,
  burstShare: 0.002, // of turns that send a burst of 40
  wants: { written: 50, acked: 28, errors: 14, none: 8 },
};

export class Traffic {
  running = false;
  asking = new Set(); // HTTP requests under way
  keys = 0;

  constructor({ devices, nodes, random, journal, mix = {} }) {
    Object.assign(this, { devices, nodes, random, journal });
    this.mix = { ...usualTraffic, ...mix };
    this.backEnds = nodes.flatMap((node) => [0, 1].map((i) => new BackEnd(`http:${node.id}:${i}`, node, journal)));
    this.accounts = groupBy(devices, (x) => x.account);
  }

  start() {
    this.running = true;
    let owed = 0;
    let last = Date.now();
    this.timer = setInterval(() => {
      const now = Date.now();
      // After a pause of this process: what was not sent is not made up for.
      owed = Math.min(owed + ((now - last) * this.mix.perSecond) / 1000, this.mix.perSecond / 5);
      last = now;
      for (; owed >= 1; --owed) this.turn();
    }, tickMs);
  }

  /** Stops sending; the verdicts that are still owed come in. */
  stop() {
    this.running = false;
    clearInterval(this.timer);
  }

  async settled() {
    while (this.asking.size > 0) await Promise.race([...this.asking, sleep(100)]);
    for (const backEnd of this.backEnds) backEnd.close();
  }

  turn() {
    const { random, mix } = this;
    if (random.chance(mix.httpShare)) return this.push();
    const sender = random.pick(this.devices);
    if (!sender.canSend) return;
    if (random.chance(mix.burstShare)) {
      const to = random.pick(this.accounts.get(sender.account)).name;
      for (let i = 0; i < 40 && sender.canSend; ++i) sender.send(to, this.pad(), this.options());
      return;
    }
    const options = this.options();
    const to = this.target(sender);
    sender.send(to, this.pad(), options);
    if (options.key && random.chance(mix.repeatShare) && sender.canSend) sender.send(to, this.pad(), options);
  }

  target(sender) {
    const { random, mix } = this;
    if (random.chance(mix.accountShare)) return { account: sender.account, except_me: random.chance(0.5) };
    if (random.chance(mix.foreignShare)) return random.pick(this.devices).name;
    return random.pick(this.accounts.get(sender.account)).name;
  }

  options() {
    const { random, mix } = this;
    const options = { want: random.weighted(mix.wants), timeout_ms: random.pick([1000, 2000, 3000]) };
    if (random.chance(mix.ttlShare)) options.ttl_ms = random.pick([0, 50, 1000]);
    if (random.chance(mix.keyShare)) options.key = `k${this.keys++}`;
    return options;
  }

  /** Mostly small; sometimes what no JSON device can be shown, which only MessagePack devices can say. */
  pad() {
    const { random, mix } = this;
    if (random.chance(mix.badShare)) return { $bin: 'not base64!' };
    return 'x'.repeat(random.chance(0.05) ? random.below(8000) : random.below(200));
  }

  push() {
    const free = this.backEnds.filter((x) => !x.busy);
    if (free.length === 0) return;
    const { random } = this;
    const lines = random.chance(0.5) ? 1 : 2 + random.below(10);
    const devices = [random.pick(this.devices), random.pick(this.devices)];
    const options = this.options();
    if (lines === 1 && options.want !== 'acked') options.want = 'written'; // a direct push is always answered
    const messages = Array.from({ length: lines }, (_, i) => ({ to: devices[i % 2].name, pad: this.pad(), options }));
    if (lines > 1) messages.forEach((x) => (x.options = { ...options, key: options.key && `k${this.keys++}` }));
    const asking = random.pick(free).push(messages).finally(() => this.asking.delete(asking));
    this.asking.add(asking);
  }
}

/** A back end on one keep-alive connection to one node: its requests follow one another, as order asks for. */
class BackEnd {
  connection = 0; // counts the sockets, for order holds within one
  busy = false;

  constructor(name, node, journal) {
    Object.assign(this, { name, node, journal });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  close() {
    this.agent.destroy();
  }

  /** One message as a direct push, several as a batch; ends when all is answered or nothing more will come. */
  async push(messages) {
    this.busy = true;
    const batch = messages.length > 1;
    const first = messages[0];
    const query = new URLSearchParams({ want: first.options.want, timeout_ms: first.options.timeout_ms });
    if (first.options.ttl_ms !== undefined) query.set('ttl_ms', first.options.ttl_ms);
    const headers = { 'content-type': batch ? 'application/x-ndjson' : 'application/json' };
    if (!batch && first.options.key) headers['idempotency-key'] = first.options.key;
    const [host, port] = this.node.api.split(':');
    const path = batch ? '/v1/messages' : `/v1/devices/${first.to}/messages?${query}`;
    const request = http.request({ host, port, path, method: 'POST', headers, agent: this.agent });
    const noted = await this.connected(request) ? this.write(request, messages, batch) : undefined;
    if (noted) await this.answered(request, noted);
    this.busy = false;
  }

  /** Nothing is a message before there is a connection it could go to. */
  connected(request) {
    return new Promise((resolve) => {
      request.on('error', () => resolve(false));
      request.on('socket', (socket) => {
        const ready = () => resolve(true);
        if (socket !== this.socket) ++this.connection;
        this.socket = socket;
        if (socket.connecting) socket.once('connect', ready);
        else ready();
      });
    });
  }

  write(request, messages, batch) {
    const noted = messages.map(({ to, options: { want, timeout_ms: timeoutMs, key } }) =>
      this.journal.message({ from: this.name, to, want, timeoutMs, node: this.node.id, c: this.connection, http: true, key }));
    const payload = (i) => ({ m: noted[i].m, to: messages[i].to, pad: messages[i].pad });
    const line = ({ to, options: { want, timeout_ms, ttl_ms, key } }, i) =>
      JSON.stringify({ to, want, timeout_ms, ttl_ms, key, data: payload(i) });
    request.end(batch ? messages.map(line).join('\n') : JSON.stringify(payload(0)));
    return noted;
  }

  answered(request, noted) {
    const deadline = Math.max(...noted.map((x) => x.timeoutMs)) + 1000 + patienceMs;
    return new Promise((resolve) => {
      const late = setTimeout(() => request.destroy(new Error('late')), deadline);
      const broken = () => {
        clearTimeout(late);
        for (const message of noted) message.unansweredAt = Date.now();
        resolve();
      };
      request.on('error', broken);
      request.on('response', (answer) => {
        let text = '';
        const lines = (rest) => {
          const all = text.split('\n');
          text = rest ? '' : all.pop();
          for (const line of all) if (line) this.take(noted, JSON.parse(line));
        };
        answer.setEncoding('utf8').on('data', (chunk) => ((text += chunk), noted.length > 1 && lines(false)));
        answer.on('error', broken);
        answer.on('end', () => {
          clearTimeout(late);
          lines(true);
          for (const message of noted) message.answeredAt = Date.now();
          resolve();
        });
      });
    });
  }

  /** A line of a batch, or the whole answer of a direct push. An error that is no verdict says nothing about messages. */
  take(noted, answer) {
    const message = noted[answer.index ?? 0];
    const invalid = answer.error && ['malformed', 'invalid_id', 'too_deep', 'too_large'].includes(answer.error.code);
    if (answer.verdict || invalid) this.journal.verdict(message.m, this.connection, invalid ? { verdict: 'invalid' } : answer);
    else if (answer.error) for (const each of noted) each.unansweredAt = Date.now();
  }
}

function groupBy(list, key) {
  const groups = new Map();
  for (const each of list) groups.set(key(each), [...(groups.get(key(each)) ?? []), each]);
  return groups;
}
