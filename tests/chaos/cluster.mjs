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
import { Scope } from './scope.mjs';

/** One node over all its starts. `state`: down, starting, up, frozen, draining. */
export class ClusterNode {
  state = 'down';
  starts = 0;

  constructor(cluster, id) {
    Object.assign(this, { cluster, id });
  }

  // Its addresses are its own, whether it runs or not.

  get device() {
    return this.settings.deviceListen;
  }

  get api() {
    return this.settings.apiListen;
  }

  get pid() {
    return this.server?.pid;
  }

  /** What it wrote to standard error since its last start. */
  get log() {
    return this.server?.stderr ?? '';
  }

  url(query) {
    return Server.prototype.url.call(this, query);
  }

  request(...args) {
    return Server.prototype.request.apply(this, args);
  }

  /** Starts it where it was before; a node whose old lease still runs waits for its end first. Once, if asked twice. */
  start(extra = {}) {
    if (this.state === 'up' || this.state === 'starting') return this.started;
    ++this.starts;
    this.state = 'starting';
    this.started = this.launch(extra).catch((error) => {
      this.state = 'down';
      throw error;
    });
    return this.started;
  }

  async launch(extra) {
    const { scope, options } = this.cluster;
    const log = options.logs && ((text) => appendFileSync(`${options.logs}/${this.id}.log`, text));
    const own = typeof options.settings === 'function' ? options.settings(this.id) : options.settings;
    const settings = { ...own, ...this.settings, ...extra };
    // Known by its process at once: it connects to its peers before it is ready.
    const spawned = (server) => {
      this.server = server;
      server.exited.then((end) => this.exited(server, end));
    };
    await Server.start(scope, settings, { expectErrors: true, program: options.program, log, spawned });
    this.state = 'up';
  }

  /** What ends without being told to is a crash, and no test may overlook it. */
  exited(server, { code, signal }) {
    if (this.server !== server) return;
    if (!server.stopped) this.cluster.crashes.push(`${this.id}: code ${code}, signal ${signal}`);
    this.state = 'down';
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
    if (!this.server.exit) this.state = 'up';
  }

  /** SIGTERM; answers when it has ended. Another end than an orderly one counts as a crash. */
  async drain() {
    this.state = 'draining';
    await this.server.stop().catch((error) => this.cluster.crashes.push(`${this.id}: ${error.message}`));
    this.state = 'down';
  }

  /** Whether it takes work; no answer within a second is none. */
  async ready() {
    const answer = this.request('GET', '/readyz').catch(() => undefined);
    return (await Promise.race([answer, sleep(1000)]))?.status === 200;
  }
}

export class Cluster {
  nodes = [];
  crashes = []; // nodes that ended by themselves
  links = new Map(); // 'a|b', ids sorted, and 'a|redis'

  /**
   * `nodes` of them, n1, n2, …, on a redis-server with `directory: 'redis'`, or one on the embedded directory with
   * `memory`. `settings` go to every node, or are a function of its id; `logs` is a folder for what they write, `program`
   * replaces the daemon.
   */
  static async start(t, { nodes = 3, directory = nodes > 1 ? 'redis' : 'memory', name = 'test', ...options } = {}) {
    const cluster = new Cluster();
    Object.assign(cluster, { scope: new Scope(), name, directory, options });
    t.after(() => cluster.stop());
    if (options.logs) mkdirSync(options.logs, { recursive: true });
    if (directory === 'redis') cluster.redis = await Redis.start(cluster.scope, await freePort());
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
    node.peerPort = await freePort();
    const link = (socket) => {
      const pid = processBehind(socket, this.nodes.map((x) => x.pid).filter(Boolean));
      const from = this.nodes.find((x) => x.pid === pid);
      return from && this.link(from.id, id);
    };
    node.peerProxy = await Proxy.listen(this.scope, { link, target: () => ({ host: '127.0.0.1', port: node.peerPort }) });
    node.redisProxy = await Proxy.listen(this.scope, {
      link: () => this.link(id, 'redis'),
      target: () => ({ host: '127.0.0.1', port: this.redis.port }),
    });
    Object.assign(node.settings, {
      cluster: this.name,
      directory: `redis://${node.redisProxy.address}/0`,
      peerListen: `127.0.0.1:${node.peerPort}`,
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

  /** Starts what ended by itself again: a crash is one violation, not the end of a run. */
  async revive() {
    await Promise.all(this.nodes.map((x) => (x.state === 'down' ? x.start() : x.state === 'starting' && x.started)));
  }

  /** The nodes first, with all roads open: a drain without Redis is another matter. */
  async stop() {
    this.heal();
    this.redis?.resume();
    const ends = this.nodes.filter((x) => x.server).map((x) => x.server.stop());
    await Promise.allSettled(ends); // the scope asks them again, and hears how they ended
    await this.scope.close();
    await Promise.all(ends);
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
