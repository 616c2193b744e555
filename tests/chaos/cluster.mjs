// SPDX-License-Identifier: Apache-2.0
// A cluster of a test's own: redis-server, some nodes, and a proxy on every road between them, so that each road can be
// cut, stalled or slowed while traffic runs. All of it dies with the test.
//
// A link fault hits a *pair* of nodes, both ways, whichever of them connected: each node advertises the address of its
// own proxy, and the proxy asks the kernel which node's process an accepted connection comes from. A fault between a node
// and Redis hits that node only: each has its own Redis proxy.
import { appendFileSync, mkdirSync } from 'node:fs';
import { Server, sleep } from '../system/node/harness.mjs';
import { freePort } from './ports.mjs';
import { Link, processBehind, Proxy } from './proxy.mjs';
import { Redis } from './redis.mjs';

/** One node over all its starts. `state`: down, up, frozen, draining. */
export class ClusterNode {
  state = 'down';
  starts = 0;

  constructor(cluster, id) {
    Object.assign(this, { cluster, id });
  }

  get device() {
    return this.server.device;
  }

  get api() {
    return this.server.api;
  }

  get pid() {
    return this.server?.pid;
  }

  /** What it wrote to standard error since its last start. */
  get log() {
    return this.server.stderr;
  }

  url(query) {
    return this.server.url(query);
  }

  request(...args) {
    return this.server.request(...args);
  }

  /** Starts it where it was before; a node whose old lease still runs waits for its end first. */
  async start(extra = {}) {
    ++this.starts;
    const { t, options } = this.cluster;
    const log = options.logs && ((text) => appendFileSync(`${options.logs}/${this.id}.log`, text));
    const settings = { ...options.settings, ...this.settings, ...extra };
    this.server = await Server.start(t, settings, { expectErrors: true, program: options.program, log });
    this.state = 'up';
    // What ends without being told to is a crash, and no test may overlook it.
    const server = this.server;
    server.exited.then(({ code, signal }) => {
      if (this.server !== server) return;
      if (!server.stopped && this.state !== 'draining') this.cluster.crashes.push(`${this.id}: code ${code}, signal ${signal}`);
      this.state = 'down';
    });
  }

  async kill9() {
    this.state = 'down';
    await this.server.kill9();
  }

  freeze() {
    this.state = 'frozen';
    this.server.freeze();
  }

  thaw() {
    this.server.thaw();
    this.state = 'up';
  }

  /** SIGTERM; answers when it has ended, in an orderly way or not at all. */
  async drain() {
    this.state = 'draining';
    await this.server.stop();
    this.state = 'down';
  }

  async ready() {
    const answer = await this.request('GET', '/readyz').catch(() => undefined);
    return answer?.status === 200;
  }
}

export class Cluster {
  crashes = []; // nodes that ended by themselves
  links = new Map(); // 'a|b', ids sorted, and 'a|redis'

  /**
   * `nodes` of them, n1, n2, …, on a redis-server with `directory: 'redis'`, or one on the embedded directory with
   * `memory`. `settings` go to every node, `logs` is a folder for what they write, `program` replaces the daemon.
   */
  static async start(t, { nodes = 3, directory = nodes > 1 ? 'redis' : 'memory', name = 'test', ...options } = {}) {
    const cluster = new Cluster();
    Object.assign(cluster, { t, name, directory, options });
    if (options.logs) mkdirSync(options.logs, { recursive: true });
    if (directory === 'redis') cluster.redis = await Redis.start(t, await freePort());
    cluster.nodes = [];
    for (let i = 1; i <= nodes; ++i) cluster.nodes.push(await cluster.prepare(`n${i}`));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    if (nodes > 1) await cluster.formed();
    return cluster;
  }

  /** A node with its addresses and proxies, not started. */
  async prepare(id) {
    const node = new ClusterNode(this, id);
    const address = async () => `127.0.0.1:${await freePort()}`;
    node.settings = { nodeId: id, deviceListen: await address(), apiListen: await address() };
    if (this.directory !== 'redis') return node;
    const peer = await freePort();
    const link = (socket) => {
      const pid = processBehind(socket, this.nodes.map((x) => x.pid).filter(Boolean));
      const from = this.nodes.find((x) => x.pid === pid);
      return from && this.link(from.id, id);
    };
    node.peerProxy = await Proxy.listen(this.t, { link, target: () => ({ host: '127.0.0.1', port: peer }) });
    node.redisProxy = await Proxy.listen(this.t, {
      link: () => this.link(id, 'redis'),
      target: () => ({ host: '127.0.0.1', port: this.redis.port }),
    });
    Object.assign(node.settings, {
      cluster: this.name,
      directory: `redis://${node.redisProxy.address}/0`,
      peerListen: `127.0.0.1:${peer}`,
      peerAdvertise: node.peerProxy.address,
    });
    return node;
  }

  /** The link between two nodes, or between a node and 'redis'. */
  link(a, b) {
    const key = [a, b].map((x) => x.id ?? x).sort().join('|');
    if (!this.links.has(key)) this.links.set(key, new Link());
    return this.links.get(key);
  }

  node(id) {
    return this.nodes.find((x) => x.id === id);
  }

  linksOf(id) {
    return [...this.links].filter(([key]) => key.split('|').includes(id)).map(([, link]) => link);
  }

  /** Cuts a node off from its peers and from Redis; its devices and the API stay connected. */
  isolate(id) {
    for (const other of [...this.nodes.map((x) => x.id).filter((x) => x !== id), 'redis']) this.link(id, other).stall();
  }

  rejoin(id) {
    for (const link of this.linksOf(id)) link.heal();
  }

  heal() {
    for (const link of this.links.values()) link.heal();
  }

  /** Waits until every node that is up says it is ready. */
  async formed(ms = 20_000) {
    const end = Date.now() + ms;
    const up = this.nodes.filter((x) => x.state === 'up');
    for (;;) {
      const ready = await Promise.all(up.map((x) => x.ready()));
      if (ready.every(Boolean)) return;
      if (Date.now() > end) throw new Error(`not ready after ${ms} ms: ${up.filter((_, i) => !ready[i]).map((x) => x.id)}`);
      await sleep(50);
    }
  }
}
