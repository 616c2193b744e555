// SPDX-License-Identifier: Apache-2.0
// Bytes as no decent client sends them: a TCP socket, frames written by hand, and what came back as bytes or frames.
import net from 'node:net';
import crypto from 'node:crypto';
import assert from 'node:assert/strict';

/** A frame with every freedom: `mask: false`, `fin: false`, reserved bits, a length that lies. */
export function frame(opcode, body = Buffer.alloc(0), { fin = true, mask = true, rsv = 0, length = body.length } = {}) {
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = mask ? 0x80 : 0;
  if (length < 126) head.push(bit | length);
  else if (length < 65536) head.push(bit | 126, length >> 8, length & 255);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(length));
    head.push(bit | 127, ...wide);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = crypto.randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, Buffer.from(body).map((byte, i) => byte ^ key[i % 4])]);
}

export const textFrame = (value) => frame(1, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

/** The head of an upgrade request. */
export function upgradeHead(server, query, { protocol = 'stentor.v1.json', extra = '' } = {}) {
  const { host, pathname, search } = new URL(server.url(query));
  const key = crypto.randomBytes(16).toString('base64');
  return (
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${protocol}\r\n${extra}\r\n`
  );
}

export class RawSocket {
  bytes = Buffer.alloc(0);
  frames = []; // {opcode, body} once `readsFrames`
  waiting = [];
  readsFrames = false;

  static async open(t, address) {
    const raw = new RawSocket();
    const [host, port] = address.split(':');
    raw.socket = net.connect({ host, port, allowHalfOpen: true });
    t.after(() => raw.socket.destroy());
    raw.ended = new Promise((resolve) => {
      raw.socket.on('end', () => (raw.gotEnd = true));
      raw.socket.on('end', resolve);
      raw.socket.on('close', resolve);
    });
    raw.socket.on('error', (error) => (raw.error = error));
    raw.socket.on('data', (chunk) => raw.take(chunk));
    await new Promise((resolve, reject) => raw.socket.once('connect', resolve).once('error', reject));
    return raw;
  }

  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, resolve));
  }
  frame(opcode, body, options) {
    return this.write(frame(opcode, body, options));
  }
  json(value) {
    return this.write(textFrame(value));
  }
  end() {
    this.socket.end();
  }
  reset() {
    this.socket.resetAndDestroy();
  }

  take(chunk) {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (this.readsFrames) this.cutFrames();
    this.waiting = this.waiting.filter((look) => !look());
  }

  cutFrames() {
    for (;;) {
      const { bytes } = this;
      if (bytes.length < 2) return;
      let head = 2;
      let size = bytes[1] & 127;
      assert.equal(bytes[1] & 128, 0, 'a server does not mask');
      if (size === 126) head = 4;
      if (size === 127) head = 10;
      if (bytes.length < head) return;
      if (head === 4) size = bytes.readUInt16BE(2);
      if (head === 10) size = Number(bytes.readBigUInt64BE(2));
      if (bytes.length < head + size) return;
      this.frames.push({ opcode: bytes[0] & 15, body: bytes.subarray(head, head + size) });
      this.bytes = bytes.subarray(head + size);
    }
  }

  /** What `look()` returns once it is truthy; it is asked whenever bytes came. */
  wait(look, what, ms = 10_000) {
    return new Promise((resolve, reject) => {
      let over = false;
      const settle = (end, value) => (clearTimeout(timer), (over = true), end(value));
      const ask = () => {
        const value = !over && look();
        if (value) settle(resolve, value);
        return over;
      };
      const timer = setTimeout(() => settle(reject, new Error(`waited ${ms} ms for ${what}; has ${this.summary()}`)), ms);
      this.ended.then(() => ask() || settle(reject, new Error(`ended before ${what}; has ${this.summary()}`)));
      if (!ask()) this.waiting.push(ask);
    });
  }

  summary() {
    return JSON.stringify([this.bytes.toString('latin1').slice(-200), this.frames.slice(-5).map((x) => [x.opcode, x.body.toString('latin1').slice(0, 100)])]);
  }

  /** An HTTP answer's head and what follows it. */
  async httpAnswer() {
    const text = await this.wait(() => /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/.exec(this.bytes.toString('latin1')), 'an HTTP answer');
    return { status: Number(text[1]), text: this.bytes.toString('latin1') };
  }

  /** The first text frame whose JSON fits. */
  text(accepts) {
    return this.wait(() => {
      for (const { opcode, body } of this.frames) {
        const value = opcode === 1 ? JSON.parse(body) : undefined;
        if (value && accepts(value)) return value;
      }
    }, 'a text frame');
  }

  /** The close frame's `{code, text}`. */
  async closeFrame(ms) {
    const { body } = await this.wait(() => this.frames.find((x) => x.opcode === 8), 'a close frame', ms);
    return { code: body.length ? body.readUInt16BE(0) : 1005, text: body.subarray(2).toString() };
  }
}

/** A raw socket past its upgrade. */
export async function openWebSocket(t, server, query, options) {
  const raw = await RawSocket.open(t, server.device);
  await raw.write(upgradeHead(server, query, options));
  const head = await raw.wait(() => /^HTTP\/1\.1 101 [^]*?\r\n\r\n/.exec(raw.bytes.toString('latin1')), 'a 101');
  raw.bytes = raw.bytes.subarray(head[0].length);
  raw.readsFrames = true;
  raw.cutFrames();
  return raw;
}
