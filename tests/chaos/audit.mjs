// SPDX-License-Identifier: Apache-2.0
// Asks every node where every device is, and writes the answers into the journal beside what is the case. Ask when the
// devices hold still: one whose connection changed meanwhile is asked about again.

const tries = 3;

export async function audit({ cluster, devices, journal, round }) {
  const up = cluster.nodes.filter((x) => x.state === 'up');
  await Promise.all(up.map(async (node) => {
    for (const device of devices) await ask(node, device, journal, round);
  }));
}

async function ask(node, device, journal, round) {
  for (let left = tries; left > 0; --left) {
    const before = device.current;
    const answer = await lookUp(node, device.name);
    if (device.current !== before && left > 1) continue;
    const truth = before && { node: before.entry.node, c: before.entry.c };
    journal.audits.push({ at: Date.now(), round, asked: node.id, device: device.name, answer, truth });
    return;
  }
}

async function lookUp(node, name) {
  const { status, json } = await node.request('GET', `/v1/devices/${name}`).catch(() => ({ status: 0 }));
  if (status === 404) return null;
  return status === 200 ? { node: json.node, epoch: json.epoch } : { status };
}
