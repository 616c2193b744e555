// SPDX-License-Identifier: Apache-2.0
// Starts a real stentord on free ports for one test and holds it to a clean end: whatever a test did, the process must
// leave with code 0 at SIGTERM and must not have logged an error. Only processes started here are ever signalled.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import assert from 'node:assert/strict';

const binary = process.env.STENTORD ?? `${process.env.STENTOR_BUILD ?? 'build/release'}/stentord`;
// The daemon dies with this process, also where the test runner is killed for its timeout.
export const leash = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

const cache = `${process.env.STENTOR_BUILD ?? 'build/release'}/CMakeCache.txt`;
const isSanitized = existsSync(cache) && /^STENTOR_SANITIZE:STRING=./m.test(readFileSync(cache, 'utf8'));

/**
 * SIGSTOP, and back once every thread stands still: the signal goes to one thread, which must get a core before it stops
 * the others, and on a busy machine they go on delivering until then. A process that has ended stands still too.
 */
export function freeze(child) {
  child.kill('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  const moves = (task) => {
    try {
      return !/\) [TZX] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'));
    } catch {
      return false; // ended meanwhile
    }
  };
  const end = Date.now() + 5000;
  while (existsSync(tasks) && readdirSync(tasks).some(moves)) {
    if (Date.now() > end) throw new Error(`process ${child.pid} does not stop`);
  }
}

/** What every test gets unless it says otherwise: quick ends, no rate. */
const usual = {
  deviceListen: '127.0.0.1:0',
  apiListen: '127.0.0.1:0',
  nodeId: 'test-node',
  devAuth: true,
  loops: 2,
  goawayGrace: '300ms',
  closeLinger: '1s',
  messageRate: 0,
};

/** `{maxCorkBytes: '64KiB', tokenKey: ['a', 'b']}` as command line flags; null leaves a usual one out. */
export function flagsOf(settings) {
  const args = [];
  for (const [name, value] of Object.entries(settings)) {
    if (value === null) continue;
    const flag = '--' + name.replace(/[A-Z]/g, (c) => '-' + c.toLowerCase());
    for (const each of Array.isArray(value) ? value : [value]) args.push(flag, String(each));
  }
  return args;
}

/** A daemon that must not come up, ended after ten seconds: `{code, stderr}`. */
export function startAndFail(settings) {
  const child = spawn(binary, flagsOf(settings), { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  return new Promise((resolve) => child.on('close', (code) => (clearTimeout(late), resolve({ code, stderr }))));
}

export class Server {
  /**
   * Starts a daemon; `shell` runs before it in the same process (`ulimit -n 64`), `program` instead of the built binary,
   * `log` gets what it writes to standard error, `spawned` the server as soon as its process exists. Ends with the test `t`.
   */
  static async start(t, settings = {}, { shell, expectErrors = false, program: daemon = [binary], log, spawned } = {}) {
    const server = new Server();
    const args = flagsOf({ ...usual, ...settings });
    const command = shell ? ['bash', '-c', `${shell}; exec "$0" "$@"`, ...daemon, ...args] : [...daemon, ...args];
    const [program, ...rest] = [...leash, ...command];
    server.expectErrors = expectErrors;
    server.apiKey = settings.apiKey;
    server.stdout = '';
    server.stderr = '';
    server.process = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    server.process.stderr.setEncoding('utf8').on('data', (text) => {
      server.stderr += text;
      log?.(text);
    });
    server.exited = new Promise((resolve) =>
      server.process.on('close', (code, signal) => resolve((server.exit = { code, signal }))),
    );
    server.process.on('error', (error) => (server.stderr += error));
    t.after(() => server.stop());
    spawned?.(server);
    await new Promise((resolve, reject) => {
      server.process.stdout.setEncoding('utf8').on('data', (text) => {
        server.stdout += text;
        const ready = /^ready device=(\S+) api=(\S+)(?: peer=(\S+))?$/m.exec(server.stdout);
        if (ready) [, server.device, server.api, server.peer] = ready;
        if (ready) resolve();
      });
      server.exited.then(() => reject(new Error(`stentord did not start: ${server.stderr}`)));
    });
    return server;
  }

  get pid() {
    return this.process.pid;
  }

  url(query = {}) {
    const text = new URLSearchParams(query).toString();
    return `ws://${this.device}/v1/connect${text ? '?' + text : ''}`;
  }

  /** SIGTERM, then a clean end is demanded; the second call does nothing. */
  async stop() {
    if (!this.stopped) {
      this.stopped = true;
      this.thaw();
      this.process.kill('SIGTERM');
      const late = setTimeout(() => this.process.kill('SIGKILL'), 30_000);
      const end = await this.exited;
      clearTimeout(late);
      assert.deepEqual(end, { code: 0, signal: null }, `stentord ended badly: ${this.stderr.slice(-4000)}`);
      if (!this.expectErrors) assert.doesNotMatch(this.stderr, /^\S+ error /m);
    }
    return this.exit;
  }

  /** As if the machine lost power: no drain, no last word. `stop` afterwards has nothing left to demand. */
  kill9() {
    this.stopped = true;
    this.process.kill('SIGKILL');
    return this.exited;
  }

  freeze() {
    freeze(this.process);
  }

  thaw() {
    this.process.kill('SIGCONT');
  }

  /** Resident memory in bytes; 0 under a sanitizer, which keeps what was freed: other builds judge memory. */
  residentBytes() {
    if (isSanitized) return 0;
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) * 1024;
  }

  /** User and system time so far, in seconds (proc(5), fields 14 and 15, 100 ticks a second). */
  cpuSeconds() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** One HTTP request to the API listener: `{status, headers, text, json}`. */
  request(method, path, { headers = {}, body, agent = false } = {}) {
    const [host, port] = this.api.split(':');
    return new Promise((resolve, reject) => {
      const request = http.request({ host, port, method, path, headers, agent }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = (answer.headers['content-type'] ?? '').startsWith('application/json');
          resolve({ status: answer.statusCode, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}

export const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

/** Waits until `condition()` is truthy and returns it; a system test may not know the moment, but it knows the bound. */
export async function until(condition, what = 'a condition', ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited ${ms} ms for ${what}`);
    await sleep(5);
  }
}

/** A seeded generator (xorshift32); the seed is printed so that a failure can be repeated with STENTOR_SEED. */
export function seededRandom(t) {
  let state = Number(process.env.STENTOR_SEED ?? Date.now() % 0x7fffffff) | 1;
  t.diagnostic(`STENTOR_SEED=${state}`);
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The sum of a metric's samples whose labels contain `labels`. */
export async function metric(server, name, labels = {}) {
  const headers = server.apiKey ? { authorization: `Bearer ${server.apiKey}` } : {};
  const { text } = await server.request('GET', '/metrics', { headers });
  let sum = 0;
  for (const line of text.split('\n')) {
    const sample = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample?.[1] !== name) continue;
    const has = (label, value) => (sample[2] ?? '').split(',').includes(`${label}="${value}"`);
    if (Object.entries(labels).every(([label, value]) => has(label, value))) sum += Number(sample[3]);
  }
  return sum;
}
