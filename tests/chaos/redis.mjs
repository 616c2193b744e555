// SPDX-License-Identifier: Apache-2.0
// A redis-server of a test's own: a free port, nothing on disk, gone with the test. It can be killed, started again
// (empty: it kept nothing), paused and resumed. `command` speaks just enough of its protocol to look inside.
import { spawn } from 'node:child_process';
import net from 'node:net';
import { freeze, leash, sleep } from '../system/node/harness.mjs';

export class Redis {
  static async start(t, port) {
    const redis = new Redis();
    redis.port = port;
    t.after(() => redis.stop());
    await redis.restart();
    return redis;
  }

  get pid() {
    return this.process.pid;
  }

  /** Starts it on the same port; ready when it answers. */
  async restart() {
    const flags = ['--port', this.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
    const [program, ...rest] = [...leash, 'redis-server', ...flags.map(String)];
    let output = '';
    this.process = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/tmp' });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    let ended = null;
    this.exited = new Promise((resolve) => this.process.on('close', (code) => resolve((ended = { code }))));
    this.process.on('error', (error) => ((output += error), (ended = { code: -1 })));
    for (let tries = 0; tries < 500; ++tries) {
      if (ended) break;
      if ((await this.command('PING').catch(() => '')) === 'PONG') return;
      await sleep(10);
    }
    throw new Error(`redis-server did not start on port ${this.port}: ${output.slice(-2000)}`);
  }

  kill9() {
    this.process.kill('SIGKILL');
    return this.exited;
  }

  pause() {
    freeze(this.process);
  }

  resume() {
    this.process.kill('SIGCONT');
  }

  /** Paused or not. */
  stop() {
    return this.kill9();
  }

  /** One command; answers a text, a number, null, or an array of them. */
  command(...words) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, '127.0.0.1');
      let text = '';
      socket.setTimeout(2000, () => socket.destroy(new Error('no answer from redis-server')));
      socket.on('connect', () => {
        const parts = words.map(String).map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
        socket.write(`*${words.length}\r\n${parts.join('')}`);
      });
      socket.setEncoding('latin1').on('data', (chunk) => {
        text += chunk;
        const read = reply(text, 0);
        if (!read) return;
        socket.destroy();
        if (read.value instanceof Error) reject(read.value);
        else resolve(read.value);
      });
      socket.on('error', reject);
    });
  }
}

/** The reply that begins at `at`: `{value, end}`, or undefined where more bytes are needed. */
export function reply(text, at) {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return undefined;
  const rest = text.slice(at + 1, line);
  const end = line + 2;
  switch (text[at]) {
    case '+': return { value: rest, end };
    case '-': return { value: new Error(rest), end };
    case ':': return { value: Number(rest), end };
    case '$': {
      const length = Number(rest);
      if (length < 0) return { value: null, end };
      return text.length < end + length + 2 ? undefined : { value: text.slice(end, end + length), end: end + length + 2 };
    }
    case '*': {
      const values = [];
      let next = end;
      for (let i = 0; i < Number(rest); ++i) {
        const item = reply(text, next);
        if (!item) return undefined;
        values.push(item.value);
        next = item.end;
      }
      return { value: values, end: next };
    }
    default: throw new Error(`not a reply: ${rest}`);
  }
}
