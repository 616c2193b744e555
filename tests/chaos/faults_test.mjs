// SPDX-License-Identifier: Apache-2.0
// The schedule of faults: the same for a seed, spaced, and with enough nodes left.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { kinds, schedule } from './faults.mjs';

const nodes = ['n1', 'n2', 'n3', 'n4'];
const plan = (seed, more = {}) => schedule({ seed, durationMs: 300_000, nodes, ...more });
const takes = (x) => kinds[x.kind].takes;
const overlap = (a, b) => a.at < b.at + b.lastsMs && b.at < a.at + a.lastsMs;

test('a seed is one schedule, another seed another', () => {
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual(plan(7), plan(8));
});

test('in five minutes there are dozens of faults, and every kind comes up over a few seeds', () => {
  const met = new Set();
  for (let seed = 0; seed < 20; ++seed) {
    const faults = plan(seed);
    assert.ok(faults.length >= 15, `seed ${seed}: ${faults.length}`);
    for (const x of faults) met.add(x.kind);
  }
  assert.deepEqual([...met].sort(), Object.keys(kinds).sort());
});

test('one node is out at a time, Redis is hit alone, and all is over at the end', () => {
  for (let seed = 0; seed < 500; ++seed) {
    const faults = plan(seed);
    for (const [i, a] of faults.entries()) {
      assert.ok(a.at >= 0 && a.at + a.lastsMs <= 300_000, `seed ${seed}`);
      for (const b of faults.slice(i + 1)) {
        if (!overlap(a, b)) continue;
        const both = [takes(a), takes(b)];
        assert.ok(!both.includes('redis'), `seed ${seed}: ${a.kind} and ${b.kind}`);
        assert.notDeepEqual(both, ['node', 'node'], `seed ${seed}: ${a.kind} and ${b.kind}`);
        assert.notEqual(a.node, b.node);
      }
    }
  }
});

test('a short run has faults too, and only those that were asked for', () => {
  for (let seed = 0; seed < 50; ++seed) {
    const faults = plan(seed, { durationMs: 20_000, only: ['kill', 'cut'] });
    assert.ok(faults.length >= 1, `seed ${seed}`);
    for (const x of faults) assert.ok(['kill', 'cut'].includes(x.kind));
    for (const x of faults) if (x.kind === 'cut') assert.ok(x.peer && x.peer !== x.node);
  }
});
