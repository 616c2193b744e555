// SPDX-License-Identifier: Apache-2.0
// The command line of a chaos run: `scripts/chaos` builds and then comes here. Exits with 0 if the oracle
// holds, 1 if it does not, 2 if it was called wrongly.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { kinds, singleNodeKinds } from './faults.mjs';
import { judge } from './oracle.mjs';
import { print, summarize } from './report.mjs';
import { run } from './run.mjs';
import { sabotages } from './sabotage.mjs';
import { Scope } from './scope.mjs';

const usage = `usage: scripts/chaos [--seed N] [--minutes 5] [--nodes 4] [--devices 96] [--rate 150] [--faults LIST] [--json] [--help]

Runs a cluster with devices that come and go and messages of every kind, injects faults by a schedule that follows from
the seed, and compares every verdict with what the devices logged. Exits with 1 and prints the seed if a verdict was false.

  --seed N        repeat a run's faults and traffic (default: random, and printed)
  --minutes M     how long faults are injected, fractions allowed; settling and two audits add half a minute
  --nodes N       nodes in the cluster; 1 uses the embedded directory, with drain and restart only
  --rate N        messages per second
  --faults LIST   inject only these, separated by commas: ${Object.keys(kinds).join(', ')}; or none
  --json          print the summary as JSON on standard output

  scripts/chaos                                      five minutes, four nodes
  scripts/chaos --minutes 0.5 --faults kill,cut      a short run with two of them
  scripts/chaos --nodes 1 --minutes 0.3              a single node
  scripts/chaos --seed 1234                          repeat a run that failed

Logs of the nodes, the journal and the summary stay in build/chaos/SEED/.`;

function options() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: { seed: text, minutes: text, nodes: text, devices: text, rate: text, faults: text, sabotage: text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const number = (name, or, least) => {
    const value = Number(values[name] ?? or);
    if (!(value >= least)) throw new Error(`--${name} ${values[name]}: a number of at least ${least}`);
    return value;
  };
  const nodes = number('nodes', 4, 1);
  const possible = nodes > 1 ? Object.keys(kinds) : singleNodeKinds;
  const only = values.faults === 'none' ? [] : (values.faults?.split(',') ?? possible);
  const wrong = only.filter((x) => !possible.includes(x));
  if (wrong.length > 0) throw new Error(`--faults ${wrong}: with ${nodes} node${nodes > 1 ? 's' : ''} there are ${possible.join(', ')}`);
  if (values.sabotage && !sabotages[values.sabotage]) throw new Error(`--sabotage ${values.sabotage}: ${Object.keys(sabotages).join(', ')}`);
  return {
    help: values.help,
    json: values.json,
    sabotage: values.sabotage,
    seed: number('seed', Math.floor(Math.random() * 1e6), 0),
    seconds: number('minutes', 5, 0) * 60,
    nodes: Math.floor(nodes),
    devices: number('devices', 96, 2),
    perSecond: number('rate', 150, 1),
    only,
  };
}

async function main() {
  let asked;
  try {
    asked = options();
  } catch (error) {
    console.error(`chaos: ${error.message}\n\n${usage}`);
    return 2;
  }
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  const logs = `build/chaos/${asked.seed}`;
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  console.error(`chaos: seed ${asked.seed}, logs in ${logs}/`);
  const scope = new Scope();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130)); // the daemons die with us
  const falsify = asked.sabotage && sabotages[asked.sabotage]();
  try {
    const { journal, cluster, slackMs } = await run(scope, { ...asked, logs, falsify, progress });
    await scope.close();
    journal.save(`${logs}/journal.json`);
    const verdict = judge(journal.data, { slackMs });
    const summary = summarize({ ...asked, journal, slackMs, crashes: cluster.crashes, verdict });
    writeFileSync(`${logs}/summary.json`, JSON.stringify(summary, null, 1));
    endProgress();
    console.log(asked.json ? JSON.stringify(summary) : print(summary, journal));
    if (summary.violations.length === 0) return 0;
    console.error(`chaos: again with --seed ${asked.seed}; the logs and journal.json are in ${logs}/`);
    return 1;
  } catch (error) {
    endProgress();
    console.error(`chaos: seed ${asked.seed}: ${error.stack}`);
    await scope.close().catch((x) => console.error(`chaos: ${x.message}`));
    return 1;
  }
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.slice(0, (process.stderr.columns ?? 120) - 1)}\x1b[K`);
  else if (++progress.calls % 10 === 0) console.error(text);
}
progress.calls = 0;

function endProgress() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

process.exitCode = await main();
// What a frozen peer still holds open must not hold us.
setTimeout(() => process.exit(), 2000).unref();
