// SPDX-License-Identifier: Apache-2.0
// Nodes that speak TLS to each other: a stalled link is severed and heals as one without, and a node that does not belong
// to them is no peer.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { agreed, bounds, count, slack, startCluster, steadily } from './cluster_parts.mjs';
import { Device } from './device.mjs';
import { startAndFail, until } from './harness.mjs';

const devCa = fileURLToPath(new URL('../../../scripts/dev-ca', import.meta.url));

/** Flags of a node whose certificate comes from a CA of that folder, which is made where it is missing. */
function certified(folder) {
  const made = new Set();
  return (id) => {
    if (!made.has(id)) execFileSync(devCa, [folder, id], { stdio: 'ignore' });
    made.add(id);
    return { peerCa: `${folder}/ca.pem`, peerCert: `${folder}/${id}.pem`, peerKey: `${folder}/${id}.key` };
  };
}

function folderOf(t) {
  const folder = mkdtempSync(`${tmpdir()}/stentor-tls-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a link over TLS that stalls: unreachable within a second and a half, and it heals by itself', async (t) => {
  const cluster = await startCluster(t, { nodes: 2, settings: certified(folderOf(t)) });
  const [n1, n2] = cluster.nodes;
  const sender = await Device.connect(n1, { device: 'sender' });
  const far = await Device.connect(n2, { device: 'far' });
  assert.equal((await sender.send('far', 'before')).verdict, 'written');
  cluster.link('n1', 'n2').stall();
  const hit = Date.now();
  const { verdict } = await sender.send('far', 'during', { timeout_ms: 4000 });
  assert.equal(verdict, 'unreachable');
  assert.ok(Date.now() - hit <= bounds.suspect + slack, `told ${Date.now() - hit} ms after the stall`);
  cluster.heal();
  await until(async () => (await sender.send('far', 'after', { timeout_ms: 1000 })).verdict === 'written', 'the link is back', 10_000);
  assert.equal(far.end, undefined);
  assert.ok(far.received.filter((x) => x === 'during').length <= 1);
  await agreed(cluster, 'far', 'n2');
});

for (const [who, settings] of [
  ['of another CA', (folder) => certified(`${folder}/other`)],
  ['without TLS', () => () => ({ peerCa: null, peerCert: null, peerKey: null })],
])
  test(`a node ${who} is no peer, which the log says, and the others go on`, async (t) => {
    const folder = folderOf(t);
    const ours = certified(`${folder}/ours`);
    const cluster = await startCluster(t, { nodes: 2, settings: ours });
    const sender = await Device.connect(cluster.node('n1'), { device: 'sender' });
    const far = await Device.connect(cluster.node('n2'), { device: 'far' });
    assert.equal((await sender.send('far', 0)).verdict, 'written');
    const stop = steadily(sender, 'far');
    const stranger = await cluster.prepare('stranger');
    cluster.nodes.push(stranger);
    await stranger.start(settings(folder)('stranger'));
    const there = await Device.connect(stranger, { device: 'there' }); // they share Redis: only the links are refused
    await until(() => cluster.nodes.some((x) => /tls\.failed .*hint=/.test(x.log)), 'a line that says why and what to do', 10_000);
    const answer = await sender.send('there', 'to a stranger', { timeout_ms: 1000 });
    assert.equal(answer.verdict, 'unreachable');
    assert.deepEqual(there.received, []);
    const told = await stop();
    assert.deepEqual(count(told), { written: told.length });
    assert.equal(far.end, undefined);
  });

test('a peer address beyond loopback without TLS is refused at the start', async () => {
  const { code, stderr } = await startAndFail({
    nodeId: 'open', cluster: 'open', directory: 'redis://127.0.0.1:1/0', peerListen: '0.0.0.0:0',
    deviceListen: '127.0.0.1:0', apiListen: '127.0.0.1:0', devAuth: true,
  });
  assert.equal(code, 2);
  assert.match(stderr, /peer-ca/);
});
