// SPDX-License-Identifier: Apache-2.0
// A TCP proxy whose links can be cut, stalled and slowed while connections run through them. A link is whatever the
// caller says a connection belongs to; several proxies may share one, so that a pair of nodes has one link though each
// of them listens. Nothing here knows what the bytes mean.
//
// A stalled link takes nothing more from either side and tells neither of anything, ends and resets included: it looks
// like a network that lost every packet, up to what the kernels buffer. Healing delivers what waited, also to a side
// that has long given up, as retransmissions would.
import net from 'node:net';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const maxHeldBytes = 1 << 20; // of one direction; past it the sender is not read, as by a full window

export class Link {
  mode = 'open'; // or 'cut', 'stalled'
  delayMs = 0;
  tunnels = new Set();

  /** Resets what runs and refuses what comes, until `heal`. */
  cut() {
    this.mode = 'cut';
    for (const tunnel of [...this.tunnels]) tunnel.reset();
  }

  /** Resets what runs; what comes is served. */
  reset() {
    for (const tunnel of [...this.tunnels]) tunnel.reset();
  }

  stall() {
    this.mode = 'stalled';
    this.changed();
  }

  /** Every byte takes `ms` longer, each way. */
  slow(ms) {
    this.delayMs = ms;
  }

  heal() {
    this.mode = 'open';
    this.delayMs = 0;
    this.changed();
  }

  changed() {
    for (const tunnel of [...this.tunnels]) tunnel.changed();
  }
}

/** One direction of a tunnel: a queue with due times between a socket that is read and one that is written. */
class Direction {
  held = []; // {due, chunk}; the chunk null is the end of stream
  bytes = 0;
  blocked = false; // the writing side wants no more for now

  constructor(from, to, link) {
    Object.assign(this, { from, to, link });
    from.on('data', (chunk) => this.take(chunk));
    from.on('end', () => this.take(null));
    to.on('drain', () => ((this.blocked = false), this.changed()));
    this.changed();
  }

  take(chunk) {
    const due = Math.max(Date.now() + this.link.delayMs, this.held.at(-1)?.due ?? 0);
    this.held.push({ due, chunk });
    this.bytes += chunk?.length ?? 0;
    this.changed();
  }

  /** After anything that decides whether bytes may move. */
  changed() {
    clearTimeout(this.timer);
    const stalled = this.link.mode === 'stalled';
    while (!stalled && !this.blocked && this.held.length > 0 && this.held[0].due <= Date.now()) {
      const { chunk } = this.held.shift();
      if (this.to.destroyed) continue;
      if (chunk === null) this.to.end();
      else {
        this.bytes -= chunk.length;
        this.blocked = !this.to.write(chunk);
      }
    }
    if (stalled || this.blocked || this.bytes > maxHeldBytes) this.from.pause();
    else this.from.resume();
    if (!stalled && !this.blocked && this.held.length > 0)
      this.timer = setTimeout(() => this.changed(), this.held[0].due - Date.now());
  }
}

/** An accepted connection and, once its link lets it, the one behind it. */
class Tunnel {
  constructor(near, link, target) {
    Object.assign(this, { near, link, target });
    link.tunnels.add(this);
    near.on('error', () => {}).on('close', () => this.lost(this.far));
    this.changed();
  }

  changed() {
    if (this.link.mode === 'cut') this.reset();
    else if (this.far) for (const direction of this.directions ?? []) direction.changed();
    else if (this.link.mode === 'open') this.connect();
  }

  connect() {
    this.far = net.connect({ ...this.target(), allowHalfOpen: true, noDelay: true });
    this.far.on('error', () => {}).on('close', () => this.lost(this.near));
    this.far.on('connect', () => {
      this.directions = [new Direction(this.near, this.far, this.link), new Direction(this.far, this.near, this.link)];
    });
  }

  /** One side is gone: so is the other, after what it is still owed. */
  lost(other) {
    this.link.tunnels.delete(this);
    const owed = this.directions?.find((x) => x.to === other)?.held.length > 0;
    if (other && !other.destroyed && !owed && !other.writableEnded) other.resetAndDestroy();
    // What is owed, or the end that was sent, may never be taken: then the end of this side goes unread, too.
    else if (other && !other.destroyed) setTimeout(() => other.destroy(), this.link.delayMs + 1000).unref();
  }

  reset() {
    this.link.tunnels.delete(this);
    for (const socket of [this.near, this.far]) if (socket && !socket.destroyed) socket.resetAndDestroy();
  }
}

export class Proxy {
  refused = 0; // connections that belong to no link

  /**
   * Listens on `port` (0: a free one) until `t` ends. `link(socket)` says which link a connection belongs to, undefined
   * refuses it; `target()` where it goes, as `{host, port}`, asked anew for each connection.
   */
  static async listen(t, { port = 0, link, target }) {
    const proxy = new Proxy();
    const links = new Set();
    proxy.server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      const of = link(socket);
      if (!of) {
        ++proxy.refused;
        socket.on('error', () => {}).resetAndDestroy();
        return;
      }
      links.add(of);
      new Tunnel(socket, of, target);
    });
    await new Promise((resolve, reject) => proxy.server.on('error', reject).listen(port, '127.0.0.1', resolve));
    proxy.port = proxy.server.address().port;
    t.after(() => {
      proxy.server.close();
      for (const each of links) each.reset();
    });
    return proxy;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }
}

/**
 * Which of the processes `pids` holds the other end of an accepted loopback connection: nodes all come from 127.0.0.1,
 * so that only the kernel's table tells them apart (proc(5), net/tcp). undefined where it is gone or nobody's.
 */
export function processBehind(socket, pids) {
  if (socket.remotePort === undefined) return undefined; // it ended before we looked
  const ends = `${hexAddress(socket.remotePort)} ${hexAddress(socket.localPort)}`;
  const line = readFileSync('/proc/net/tcp', 'utf8').split('\n').find((x) => x.includes(ends));
  const inode = line?.trim().split(/\s+/)[9];
  return inode && inode !== '0' ? pids.find((pid) => holds(pid, `socket:[${inode}]`)) : undefined;
}

const hexAddress = (port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;

function holds(pid, name) {
  let found = [];
  try {
    found = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return false; // it ended
  }
  return found.some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === name;
    } catch {
      return false; // that descriptor was closed meanwhile
    }
  });
}
