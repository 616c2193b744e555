// SPDX-License-Identifier: Apache-2.0
// Holds what senders were told against what devices logged. Pure: a journal in (journal.mjs has its form), violations
// and counts out. Each violation names the rule it breaks; docs/protocol.md has what the rules stand on.
import { closedInOrder, Evidence } from './evidence.mjs';
import { judgeDelivery } from './oracle_delivery.mjs';
import { judgePresence } from './oracle_presence.mjs';

/** They promise that the message did not and will not arrive. */
export const certainLoss = new Set(['offline', 'refused', 'limited', 'congested', 'invalid', 'expired']);

const graceMs = 1000; // a verdict comes within the timeout and this
const settledMs = 1000; // a connection this old is known everywhere, and one that ends this much later was not ending
const troubleMs = 20_000; // how long a node's trouble may excuse an `offline`

/**
 * `options`: `slackMs`, by how much this machine made everything late; `offlineWithinMs`, how long a watcher may have to
 * wait for an `offline`. Answers `{violations: [{rule, text, …}], counts}`.
 */
export function judge(journal, options = {}) {
  const court = new Court(journal, options);
  for (const message of journal.messages) court.message(message);
  for (const m of court.evidence.verdicts.keys())
    if (!journal.messages[m]) court.blame('verdict of nothing', `a verdict for message ${m}, which nobody sent`, { m });
  for (const { device, node, via, m, c, before } of court.evidence.conflicts)
    court.blame('one epoch, two connections', `${device} has epoch ${via.epoch} of ${via.node ?? node} on connections ${before} and ${c}`, { m });
  judgeDelivery(court);
  judgePresence(court, options);
  return { violations: court.violations, counts: court.counts };
}

class Court {
  violations = [];
  counts = {
    messages: 0,
    verdicts: {},
    unanswered: {}, // why -> how many messages may go without a verdict
    writtenConnectionLost: 0,
    silentConnectionLost: 0, // the same of want "errors", where silence says `written`
    redelivered: 0,
    reorderedAcrossMove: 0,
    slowestVerdictMs: 0,
    mostOverTimeoutMs: 0,
  };

  constructor(journal, options) {
    this.journal = journal;
    this.evidence = new Evidence(journal, options);
    this.slackMs = options.slackMs ?? 0;
  }

  blame(rule, text, context = {}) {
    this.violations.push({ rule, text, ...context });
  }

  message(message) {
    ++this.counts.messages;
    const verdicts = this.evidence.verdicts.get(message.m) ?? [];
    if (verdicts.length > 1) {
      const told = verdicts.map((x) => x.verdict).join(', ');
      this.blame('one verdict', `message ${message.m} got ${verdicts.length}: ${told}`, { m: message.m });
    }
    if (verdicts.length === 0) this.unanswered(message);
    for (const verdict of verdicts) this.answered(message, verdict);
  }

  // -- how many, and when ----

  answered(message, verdict) {
    const { m, want, sentAt, timeoutMs } = message;
    this.counts.verdicts[verdict.verdict] = (this.counts.verdicts[verdict.verdict] ?? 0) + 1;
    const unasked = want === 'none' || (want === 'errors' && ['written', 'acked'].includes(verdict.verdict));
    if (unasked && !verdict.error) this.blame('want', `message ${m} wanted ${want} and was told ${verdict.verdict}`, { m });
    const limit = this.limitFor(message, verdict);
    const node = this.nodeOf(message, verdict.c);
    const silenced = [message.node, node].some((x) => this.evidence.silenced(x, sentAt, verdict.at));
    if (verdict.at > limit && !silenced)
      this.blame('late', `message ${m} was told ${verdict.verdict} after ${verdict.at - sentAt} ms, its timeout is ${timeoutMs}`, { m });
    if (verdict.c === message.c && !silenced) {
      this.counts.slowestVerdictMs = Math.max(this.counts.slowestVerdictMs, verdict.at - sentAt);
      this.counts.mostOverTimeoutMs = Math.max(this.counts.mostOverTimeoutMs, verdict.at - sentAt - timeoutMs);
    }
    for (const outcome of this.outcomes(message, verdict)) this.truth(message, verdict, outcome);
  }

  /** A sender that moved is told after it was welcomed again. */
  limitFor(message, verdict) {
    const limit = message.sentAt + message.timeoutMs + graceMs + this.slackMs;
    const connection = verdict.c !== message.c && this.evidence.connection(message.from, verdict.c);
    return connection ? Math.max(limit, connection.welcomedAt + graceMs + this.slackMs) : limit;
  }

  nodeOf(message, c) {
    return this.evidence.connection(message.from, c)?.node ?? message.node;
  }

  unanswered(message) {
    const { m, want, from, sentAt } = message;
    if (want === 'none') return;
    const excuse = message.http ? this.httpExcuse(message) : this.excuse(message);
    if (excuse) this.counts.unanswered[excuse] = (this.counts.unanswered[excuse] ?? 0) + 1;
    else if (want === 'errors') this.silence(message);
    else this.blame('no verdict', `message ${m} of ${from}, ${new Date(sentAt).toISOString()}, never got one`, { m });
  }

  httpExcuse({ node, sentAt, timeoutMs, unansweredAt }) {
    if (unansweredAt !== undefined) return this.evidence.silenced(node, sentAt, unansweredAt) ? 'node frozen' : 'connection lost';
    return this.evidence.silenced(node, sentAt, sentAt + timeoutMs + graceMs) ? 'node frozen' : undefined;
  }

  /**
   * Why a device may never have been told, undefined where it must. It is owed a verdict while it stays connected, and
   * over an orderly close of its own if it resumes, whatever becomes of the node it left: a broken connection, or one the
   * node closes, may take either frame.
   */
  excuse(message) {
    let by = message.sentAt + message.timeoutMs + graceMs + this.slackMs;
    const connections = this.journal.devices[message.from].connections;
    for (let c = message.c; ; ++c) {
      const connection = connections[c];
      const end = connection.endedAt ?? Infinity;
      if (this.evidence.silenced(connection.node, message.sentAt, Math.min(by, end))) return 'node frozen';
      if (end > by) return by > this.evidence.endedAt ? 'run ended' : undefined;
      if (connection.by !== 'client' || !closedInOrder(connection)) return 'connection lost';
      const next = connections[c + 1];
      if (!next?.welcomedAt || !next.resumed || next.startedAt < end) return 'not resumed';
      by = Math.max(by, next.welcomedAt + graceMs + this.slackMs);
    }
  }

  /** want "errors": nothing was wrong, so the device has it, unless a connection of it broke. */
  silence(message) {
    const { m, to, sentAt, timeoutMs } = message;
    for (const device of this.targets(message)) {
      if (this.evidence.arrivedAt(m, device).length > 0) continue;
      const broken = this.journal.devices[device].connections.some(
        (x) => x.startedAt < sentAt + timeoutMs && !this.evidence.isOpen(x) && x.endedAt > sentAt && !closedInOrder(x));
      if (broken) ++this.counts.silentConnectionLost;
      else this.blame('silent loss', `message ${m} to ${to}: no error, and ${device} never got it`, { m, device });
    }
  }

  /** An account's devices come and go: silence about them proves nothing here. */
  targets({ to }) {
    return typeof to === 'string' ? [to] : [];
  }

  // -- whether it is true ----

  /** `{device, verdict, via}` for each device a verdict speaks of. */
  outcomes({ to, from }, verdict) {
    if (typeof to === 'string') return [{ ...verdict, device: to }];
    const account = Object.entries(this.journal.devices).filter(([name, x]) => x.account === to.account && !(to.except_me && name === from)).map(([name]) => name);
    // Refused as a whole: that speaks of them all. Otherwise whoever is not on the list was not there.
    const rest = { verdict: verdict.devices ? 'offline' : verdict.verdict };
    return account.map((device) => verdict.devices?.find((x) => x.device === device) ?? { device, ...rest });
  }

  truth(message, { at }, { device, verdict, via, first }) {
    const { m } = message;
    const came = this.evidence.arrivedAt(m, device);
    const about = { m, device, at, via };
    if (certainLoss.has(verdict) && came.length > 0)
      this.blame('certain loss', `message ${m} was told ${verdict}, and ${device} got it on connection ${came[0].c}`, about);
    if (verdict === 'offline') this.offline(message, device, at);
    if (verdict === 'duplicate') this.duplicate(message, device, first, came);
    if (verdict === 'acked' && came.length === 0) this.blame('acked', `message ${m} was told acked, and ${device} never got it`, about);
    if (verdict === 'written' || verdict === 'acked') this.connectionNamed(message, device, verdict, via, came);
  }

  /** Not of a device that stood there all the time, unless its node was in trouble shortly before. */
  offline({ m, sentAt }, device, at) {
    const { connections } = this.journal.devices[device];
    const there = connections.find((x) => x.welcomedAt + settledMs < sentAt && (x.endedAt ?? Infinity) > at + settledMs);
    if (!there || connections.some((x) => x.c > there.c && x.startedAt < at + settledMs)) return;
    const from = sentAt - troubleMs;
    if (this.evidence.during(['freeze', 'isolate', 'redis-cut'], from, at).some((x) => x.node === there.node)) return;
    this.blame('offline', `message ${m} was told offline, and ${device} had been connected to ${there.node} for ${sentAt - there.welcomedAt} ms`, { m, device, at });
  }

  connectionNamed({ m }, device, verdict, via, came) {
    const about = { m, device, via };
    if (!via) return this.blame('via', `message ${m} was told ${verdict} without a connection`, about);
    const connection = this.evidence.named(device, via);
    if (!connection) return this.blame('via', `message ${m} was ${verdict} to ${via.node} epoch ${via.epoch}, which ${device} never had`, about);
    if (verdict !== 'written') return;
    if (came.length > 0) {
      if (!came.some((x) => x.c === connection.c))
        this.blame('via', `message ${m} was written to connection ${connection.c} of ${device} and came on ${came[0].c}`, about);
    } else if (closedInOrder(connection) || this.evidence.isOpen(connection)) {
      const state = this.evidence.isOpen(connection) ? 'is open' : `was closed in order with ${connection.code}`;
      this.blame('written', `message ${m} was told written, and ${device} never got it: connection ${connection.c} ${state}`, about);
    } else ++this.counts.writtenConnectionLost;
  }

  duplicate(message, device, first, came) {
    const { m, from, key } = message;
    if (came.length > 0) this.blame('certain loss', `message ${m} was told duplicate, and ${device} got it`, { m, device });
    if (first !== 'acked') return;
    const earlier = this.journal.messages.filter((x) => x.key === key && x.from === from && x.m < m);
    if (!earlier.some((x) => this.evidence.arrivedAt(x.m, device).length > 0))
      this.blame('acked', `message ${m} is a duplicate of an acked one, and ${device} never got that`, { m, device });
  }
}
