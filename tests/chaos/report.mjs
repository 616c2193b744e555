// SPDX-License-Identifier: Apache-2.0
// What a chaos run amounts to, for people and for machines.

const shownViolations = 20;

/** Everything of a run in one object. */
export function summarize({ seed, journal, slackMs, seconds, nodes, devices, crashes, verdict: { violations, counts } }) {
  const faults = {};
  for (const { kind } of journal.faults) faults[kind] = (faults[kind] ?? 0) + 1;
  const all = crashes.map((text) => ({ rule: 'crash', text })).concat(violations);
  const rules = {};
  for (const { rule } of all) rules[rule] = (rules[rule] ?? 0) + 1;
  return { seed, seconds, nodes, devices, faults, ...counts, slackMs, rules, violations: all };
}

const share = (part, whole) => `${part} (${whole ? ((100 * part) / whole).toFixed(2) : '0'} % of written)`;
const list = (counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([key, n]) => `${key} ${n}`).join(', ') || 'none';

/** The summary as a table, then the first violations with what the journal knows about each. */
export function print(summary, journal) {
  const rows = [
    ['seed', summary.seed],
    ['run', `${summary.nodes} nodes, ${summary.devices} devices, ${summary.seconds} s of chaos`],
    ['faults', list(summary.faults)],
    ['messages', summary.messages],
    ['verdicts', list(summary.verdicts)],
    ['unanswered, as they may be', list(summary.unanswered)],
    ['written, connection lost', share(summary.writtenConnectionLost, summary.verdicts.written ?? 0)],
    ['silent (errors only), connection lost', summary.silentConnectionLost],
    ['redelivered by a resume', summary.redelivered],
    ["overtaken across a sender's change of connection", summary.reorderedAcrossMove],
    ['slowest verdict', `${summary.slowestVerdictMs} ms; over its timeout at most ${Math.max(0, summary.mostOverTimeoutMs)} ms (this process lagged ${summary.slackMs} ms)`],
    ['connections', summary.binds],
    ['watches, resyncs', `${summary.watches}, ${summary.resync}`],
    ['put back below a later epoch', summary.restoredBelow],
    ['distinct online / offline seen', `${summary.online} / ${summary.offline}`],
    ['presence disagreements', `${summary.disagreements} of ${summary.audited} records`],
    ['violations', summary.violations.length === 0 ? 'none' : list(summary.rules)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  for (const violation of summary.violations.slice(0, shownViolations)) lines.push('', ...explain(violation, journal));
  if (summary.violations.length > shownViolations) lines.push('', `and ${summary.violations.length - shownViolations} more`);
  return lines.join('\n');
}

/** Lines about a violation: the message, what was told and received, the connections and faults around that time. */
export function explain({ rule, text, m, device, at }, journal) {
  const lines = [`✗ ${rule}: ${text}`];
  const message = journal.messages[m];
  const when = at ?? message?.sentAt;
  if (message) {
    lines.push(`    message   ${JSON.stringify(message)}`);
    for (const verdict of journal.verdicts.filter((x) => x.m === m)) lines.push(`    verdict   ${JSON.stringify(verdict)}`);
    for (const [name, log] of Object.entries(journal.devices))
      for (const entry of log.received.filter((x) => x.m === m)) lines.push(`    received  ${name} ${JSON.stringify(entry)}`);
  }
  if (when === undefined) return lines;
  const near = (from, to) => from <= when + 3000 && (to ?? Infinity) >= when - 3000;
  for (const name of new Set([device, message?.from])) {
    for (const x of journal.devices[name]?.connections ?? [])
      if (near(x.startedAt, x.endedAt)) lines.push(`    ${name}  ${JSON.stringify(x)}`);
  }
  for (const fault of journal.faults) if (near(fault.from, fault.to)) lines.push(`    fault     ${JSON.stringify(fault)}`);
  return lines;
}
