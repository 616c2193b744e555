// SPDX-License-Identifier: Apache-2.0
// The chaos run itself, on one node with the embedded directory: it passes, and where a device's log is falsified while it
// runs it ends with 1, names the rule that was broken and the seed.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { leash } from '../system/node/harness.mjs';

/** Runs it at the repository's root, where the logs go: `{code, summary, stderr}`. */
function chaos(...flags) {
  const script = new URL('chaos.mjs', import.meta.url).pathname;
  const [program, ...rest] = [...leash, process.execPath, script, '--nodes', '1', '--json', ...flags];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr, summary: stdout && JSON.parse(stdout) })));
}

test('a run of drains and restarts is acquitted', { timeout: 100_000 }, async (t) => {
  const { code, summary, stderr } = await chaos('--seed', '3', '--minutes', '0.2', '--devices', '40');
  t.diagnostic(stderr);
  assert.equal(code, 0, JSON.stringify(summary.violations?.slice(0, 5)));
  assert.ok(summary.faults.drain + (summary.faults.restart ?? 0) >= 1);
  assert.ok(summary.verdicts.written > 100 && summary.verdicts.acked > 100);
  assert.ok(summary.audited > 0 && summary.online > 0);
});

const small = ['--minutes', '0.15', '--devices', '24', '--faults', 'none'];
const rules = { 'drop-received': 'acked', 'drop-verdict': 'no verdict', 'drop-online': 'online missing', 'drop-offline': 'offline missing' };

test('a falsified log is found out, whatever was left out of it', { timeout: 100_000 }, async () => {
  const runs = await Promise.all(Object.entries(rules).map(async ([sabotage, rule], i) => {
    const result = await chaos(...small, '--seed', String(40 + i), '--sabotage', sabotage);
    return { sabotage, rule, ...result };
  }));
  for (const { sabotage, rule, code, summary, stderr } of runs) {
    assert.equal(code, 1, sabotage);
    assert.ok(rule in summary.rules, `${sabotage}: ${JSON.stringify(summary.rules)}`);
    assert.match(stderr, /again with --seed 4\d/);
  }
});

test('wrong arguments are refused with what is right', async () => {
  for (const flags of [['--faults', 'kill'], ['--minutes', 'x'], ['--nonsense']]) {
    const { code, stderr } = await chaos(...flags);
    assert.equal(code, 2);
    assert.match(stderr, /usage: scripts\/chaos/);
  }
});
