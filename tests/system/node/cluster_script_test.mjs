// SPDX-License-Identifier: Apache-2.0
// The README's `scripts/cluster up`, `demo` and `down`, as a newcomer types them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/cluster', import.meta.url));

test('scripts/cluster: up, status, a demo in which every message is written, down', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/stentor-script-`);
  const daemon = process.env.STENTORD;
  const env = {
    ...process.env,
    STENTOR_CLUSTER_DIR: folder,
    ...(daemon ? { STENTORD: daemon, STENTORCTL: `${dirname(daemon)}/stentorctl` } : {}),
  };
  const run = (...args) =>
    new Promise((resolve) => {
      const child = spawn(script, args, { env });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
      child.on('close', (code) => resolve({ code, said })); // all it said is here; its nodes write to files
    });
  t.after(async () => {
    await run('down');
    rmSync(folder, { recursive: true, force: true });
  });

  const nothing = await run('status');
  assert.equal(nothing.code, 0, nothing.said);
  assert.match(nothing.said, /no node is running: start some with scripts\/cluster up/);

  const up = await run('up', '3');
  assert.equal(up.code, 0, up.said);
  for (const id of ['n1', 'n2', 'n3']) assert.match(up.said, new RegExp(`^${id} +device 127\\.0\\.0\\.1:\\d+ +api 127\\.0\\.0\\.1:\\d+ +ready$`, 'm'));

  // A node says `ready` after two seconds without a link, too: on a busy machine the first try may be too early.
  let demo;
  for (let tries = 0; tries < 3 && demo?.code !== 0; ++tries) demo = await run('demo');
  assert.equal(demo.code, 0, demo.said);
  const sent = demo.said.split('\n').filter((line) => /^(device|push) .*: /.test(line));
  assert.equal(sent.length, 12, demo.said); // from each to each, and a push through each
  for (const line of sent) assert.match(line, /written/);
  assert.deepEqual(demo.said.match(/^on-n\d got \d+ messages$/gm), ['on-n1 got 6 messages', 'on-n2 got 3 messages', 'on-n3 got 3 messages']);

  const again = await run('up', '3');
  assert.equal(again.code, 0, again.said);

  const down = await run('down');
  assert.equal(down.code, 0, down.said);
  for (const what of ['n1', 'n2', 'n3', 'redis']) assert.match(down.said, new RegExp(`^${what} ended$`, 'm'));
  assert.doesNotMatch(down.said, /does not stop/);
  assert.match((await run('down')).said, /no node was running/);
});
