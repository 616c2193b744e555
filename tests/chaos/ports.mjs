// SPDX-License-Identifier: Apache-2.0
// Ports that stay a node's own over its restarts. Below the range from which the kernel takes ports for outgoing
// connections (32768 by default): a port in there could be some device's while its node is down.
import net from 'node:net';

const first = 18000;
const last = 32000;
const given = new Set();

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port of 127.0.0.1 that nobody uses now; never the same one twice in a process. */
export async function freePort() {
  for (let tries = 0; tries < 1000; ++tries) {
    const port = first + Math.floor(Math.random() * (last - first));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}
