// SPDX-License-Identifier: Apache-2.0
// A device as a stranger would write it: node's `ws` package and a MessagePack library, nothing of ours. Keeps every
// frame it ever got, in order, so that a test can hold verdicts against what really arrived.
import { WebSocket } from 'ws';
import { decode, encode } from '@msgpack/msgpack';
import assert from 'node:assert/strict';

export const formats = ['json', 'msgpack'];

export class Device {
  log = []; // every frame, oldest first
  waiting = []; // {accepts, resolve}, in order of asking
  sent = 0;
  onFrame = null; // called with each frame
  keepsLog = true; // false: messages and verdicts are for `onFrame` only

  /** Opens a connection and does not wait: `opened`, `welcomed` and `closed` are promises. */
  constructor(server, { device, account = 'acme', format = 'json', token, resume, query = {}, headers, protocols } = {}) {
    this.server = server;
    this.name = device;
    this.format = format;
    const identity = token === undefined && device !== undefined ? { device, account } : {};
    const all = { ...identity, ...(resume ? { resume } : {}), ...query };
    if (token) headers = { ...headers, Authorization: `Bearer ${token}` };
    this.socket = new WebSocket(server.url(all), protocols ?? [`stentor.v1.${format}`], {
      headers,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
      this.socket.on('unexpected-response', (request, answer) => {
        let body = '';
        answer.on('data', (chunk) => (body += chunk));
        answer.on('end', () => {
          request.destroy();
          reject(Object.assign(new Error(`refused with ${answer.statusCode}`), { status: answer.statusCode, body, headers: answer.headers }));
        });
      });
    });
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => {
        this.end = { code, reason: reason.toString() };
        this.fail(new Error(`${this.name} was closed: ${code} ${reason}`));
        resolve(this.end);
      }),
    );
    this.socket.on('message', (bytes, isBinary) => this.take(bytes, isBinary));
    this.welcomed = this.next('welcome').then((frame) => (this.welcome = frame));
    this.welcomed.catch(() => {}); // whoever cares awaits it
    this.opened.catch((error) => this.fail(error));
  }

  /** Connected and welcomed. */
  static async connect(server, options) {
    const device = new Device(server, options);
    await device.welcomed;
    return device;
  }

  fail(error) {
    for (const x of this.waiting.splice(0)) x.reject(error);
  }

  take(bytes, isBinary) {
    assert.equal(isBinary, this.format === 'msgpack', 'the frame type follows the subprotocol');
    const frame = isBinary ? decode(bytes) : JSON.parse(bytes.toString());
    if (this.keepsLog || (frame.t !== 'msg' && frame.t !== 'verdict')) this.log.push(frame);
    this.onFrame?.(frame);
    const i = this.waiting.findIndex((x) => x.accepts(frame));
    if (i >= 0) this.waiting.splice(i, 1)[0].resolve(frame);
  }

  /** The next frame that fits, from now on. `what`: a type, or a predicate. */
  next(what, ms = 10_000) {
    const accepts = typeof what === 'string' ? (frame) => frame.t === what : what;
    if (this.end) return Promise.reject(new Error(`${this.name} is closed: ${this.end.code}`));
    return new Promise((resolve, reject) => {
      const fail = new Error(`${this.name} waited ${ms} ms for ${what}; it has ${JSON.stringify(this.log.slice(-5))}`);
      const entry = { accepts };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(fail);
      }, ms);
      entry.resolve = (frame) => (clearTimeout(timer), resolve(frame));
      entry.reject = (error) => (clearTimeout(timer), reject(error));
      this.waiting.push(entry);
    });
  }

  /** A frame that fits: one it has already, or the next. */
  async find(what, ms) {
    const accepts = typeof what === 'string' ? (frame) => frame.t === what : what;
    return this.log.find(accepts) ?? this.next(accepts, ms);
  }

  frames(type) {
    return this.log.filter((frame) => frame.t === type);
  }

  /** What arrived as messages' data, in order. */
  get received() {
    return this.frames('msg').map((frame) => frame.data);
  }

  write(frame) {
    this.socket.send(this.format === 'msgpack' ? encode(frame) : JSON.stringify(frame));
  }

  /** Sends a message, answers its id at once. */
  post(to, data, options = {}) {
    const id = options.id ?? `m${++this.sent}`;
    this.write({ t: 'send', id, to, data, ...options });
    return id;
  }

  /** Sends a message and waits for its verdict frame. */
  send(to, data, options = {}) {
    const id = options.id ?? `m${++this.sent}`;
    const verdict = this.next((frame) => (frame.t === 'verdict' || frame.t === 'error') && frame.id === id, 35_000);
    this.write({ t: 'send', id, to, data, ...options });
    return verdict;
  }

  ack(frame) {
    this.write({ t: 'ack', id: frame.id });
  }

  /** The close handshake. */
  close(code = 1000) {
    this.socket.close(code);
    return this.closed;
  }

  /** No handshake: the network is gone. */
  drop() {
    this.socket.terminate();
    return this.closed;
  }

  /** No handshake and not even an end of stream: RST, as from a device whose process was killed with input unread. */
  reset() {
    const raw = this.socket._socket;
    if (raw && !raw.destroyed) raw.resetAndDestroy();
    else this.socket.terminate();
    return this.closed;
  }

  /** Which event loop holds this session: the tests look behind the opaque token here, devices must not. */
  get loop() {
    return Buffer.from(this.welcome.session, 'base64url').readUInt16BE(8);
  }
}

/** Connects `options.device` again and again until the connection lands on a loop that `wanted` accepts. */
export async function connectOnLoop(server, options, wanted) {
  for (let i = 0; i < 200; ++i) {
    const device = await Device.connect(server, options);
    if (wanted(device.loop)) return device;
    await device.close();
  }
  throw new Error('no connection landed on the wanted loop');
}
