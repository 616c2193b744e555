// SPDX-License-Identifier: Apache-2.0
// A journal, indexed for the oracle: which arrivals and verdicts a message has, which connection a `via` names, who was
// frozen when. Pure.

const clockMs = 5; // two reads of one clock in two processes
const lostBindMs = 60_000; // an upgrade that its device gave up may still be bound when the node gets to it

export class Evidence {
  arrivals = new Map(); // m -> [{device, c, i, at, id, ack, from}], in order of a device's connections
  verdicts = new Map(); // m -> [verdict]
  learned = new Map(); // 'device node epoch' -> c
  conflicts = []; // the same, learned as two different connections

  constructor(journal, { slackMs = 0 } = {}) {
    this.journal = journal;
    this.slackMs = slackMs;
    this.endedAt = journal.endedAt ?? Infinity;
    for (const [device, log] of Object.entries(journal.devices))
      for (const [i, entry] of log.received.entries()) push(this.arrivals, entry.m, { ...entry, device, i });
    for (const list of this.arrivals.values()) list.sort((a, b) => a.c - b.c || a.i - b.i);
    for (const verdict of journal.verdicts) push(this.verdicts, verdict.m, verdict);
    this.learn();
  }

  /** It lasted to the end of the run. */
  isOpen(connection) {
    return connection.endedAt === undefined || connection.endedAt >= this.endedAt;
  }

  connection(device, c) {
    return this.journal.devices[device]?.connections[c];
  }

  arrivedAt(m, device) {
    return (this.arrivals.get(m) ?? []).filter((x) => x.device === device);
  }

  /** A message that came once, and whose verdict names a connection, tells that connection's epoch. */
  learn() {
    for (const { m, verdict, via, devices } of this.journal.verdicts) {
      const { to, want } = this.journal.messages[m] ?? {};
      if (want === 'acked') continue;
      for (const outcome of devices ?? [{ device: to, verdict, via }]) {
        const came = this.arrivedAt(m, outcome.device);
        if (outcome.verdict !== 'written' || !outcome.via || came.length !== 1) continue;
        const key = keyOf(outcome.device, outcome.via);
        const before = this.learned.get(key);
        if (before !== undefined && before !== came[0].c) this.conflicts.push({ ...outcome, m, c: came[0].c, before });
        this.learned.set(key, came[0].c);
      }
    }
  }

  /**
   * The connection of `device` that a `via` names, undefined where it had none. An epoch is the microsecond of the bind,
   * between the connection's start and its welcome; where the device gave up before it was welcomed, perhaps long after.
   * Such a bind may stand where an open connection's record was, on whichever node, until that is put back under an
   * epoch of its own: so an open connection comes before one that was never welcomed.
   */
  named(device, via) {
    const connections = this.journal.devices[device]?.connections ?? [];
    const ms = via.epoch / 1000;
    const bound = connections.filter((x) => ms >= x.startedAt - clockMs && ms <= lastBind(x) + clockMs);
    const fits = bound.filter((x) => x.node === via.node);
    const sure = fits.filter((x) => x.welcomedAt !== undefined);
    if (sure.length === 1) return sure[0];
    const learned = this.learned.get(keyOf(device, via));
    const known = fits.find((x) => x.c === learned) ?? sure[0];
    if (known || !bound.some((x) => x.welcomedAt === undefined)) return known;
    const open = connections.filter((x) => x.node === via.node && x.welcomedAt <= ms + clockMs && (x.endedAt ?? Infinity) >= ms - clockMs);
    return open.find((x) => x.c === learned) ?? open.at(-1) ?? fits.at(-1);
  }

  /**
   * Whether the node could not speak at some time of the interval: frozen, or cut off so that it must fence itself. Without
   * Redis alone it does so when its lease ends, 3 s after the cut at the earliest.
   */
  silenced(node, from, to) {
    const after = { freeze: 0, isolate: 0, 'redis-cut': 3000 };
    return this.journal.faults.some(
      (x) => x.kind in after && x.node === node && x.from + after[x.kind] <= to && (x.to ?? Infinity) + 2000 >= from,
    );
  }

  /** Faults of a kind that overlap the interval. */
  during(kinds, from, to) {
    return this.journal.faults.filter((x) => kinds.includes(x.kind) && x.from <= to && (x.to ?? Infinity) >= from);
  }
}

/** A close frame came, so that everything sent before it had come as well. */
export const closedInOrder = (connection) => connection.endedAt !== undefined && connection.code !== 1006;

/** `device` and `via` as one word. */
export const keyOf = (device, { node, epoch }) => `${device} ${node} ${epoch}`;

const lastBind = (x) => x.welcomedAt ?? (x.endedAt === undefined ? Infinity : x.endedAt + lostBindMs);

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
