// SPDX-License-Identifier: Apache-2.0
// Stands in for stentord where the cluster's tools themselves are tested: it takes the daemon's flags, registers its
// advertised address in Redis, keeps one connection to every other node, and answers over HTTP how long a round trip to
// each of them and to Redis takes. It serves no device.
import http from 'node:http';
import net from 'node:net';
import { Redis } from './redis.mjs';

const flags = {};
for (let i = 2; i < process.argv.length; i += 2) flags[process.argv[i].slice(2)] = process.argv[i + 1];
const id = flags['node-id'];
const redis = Object.assign(new Redis(), { port: Number(new URL(flags.directory).port) });
const [, peerPort] = flags['peer-listen'].split(':').map(Number);
const [, apiPort] = flags['api-listen'].split(':').map(Number);

const peers = new Map(); // id -> socket

function connection(name, address) {
  const [host, port] = address.split(':');
  const socket = net.connect(port, host).setEncoding('utf8');
  socket.waiting = [];
  socket.on('data', (text) => [...text].forEach(() => socket.waiting.shift()?.()));
  socket.on('error', () => {}).on('close', () => peers.delete(name));
  peers.set(name, socket);
  return socket;
}

/** Milliseconds of one round trip to a peer, null where none comes back within a second. */
async function pingPeer(name, address) {
  const socket = peers.get(name) ?? connection(name, address);
  const began = Date.now();
  return within(new Promise((resolve) => {
    socket.waiting.push(() => resolve(Date.now() - began));
    socket.on('close', () => resolve(null));
    socket.write('.');
  }));
}

const within = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 1000, null))]);

async function pingRedis() {
  const began = Date.now();
  return within(redis.command('PING').then(() => Date.now() - began, () => null));
}

net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(peerPort, '127.0.0.1');
const api = http.createServer(async (request, answer) => {
  if (request.url === '/readyz') return answer.end('ready');
  const known = new URL(request.url, 'http://x').searchParams; // ?n1=address&n2=…
  const trips = { redis: await pingRedis() };
  await Promise.all([...known].filter(([name]) => name !== id).map(async ([name, address]) => (trips[name] = await pingPeer(name, address))));
  answer.setHeader('content-type', 'application/json');
  answer.end(JSON.stringify(trips));
});
api.listen(apiPort, '127.0.0.1', () => {
  console.log(`ready device=${flags['device-listen']} api=${flags['api-listen']} peer=127.0.0.1:${peerPort}`);
});
process.on('SIGTERM', () => process.exit(0));
