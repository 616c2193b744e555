// SPDX-License-Identifier: Apache-2.0
// The oracle's rules about what arrived: at whom, in which order, how often. Pure.

/** `court` has the journal, its evidence, `blame` and `counts`. */
export function judgeDelivery(court) {
  const { journal } = court;
  for (const [device, log] of Object.entries(journal.devices)) {
    const inOrder = [...log.received.entries()].sort(([i, a], [k, b]) => a.c - b.c || i - k).map(([, entry]) => entry);
    for (const entry of inOrder) address(court, device, log, entry);
    const known = inOrder.filter((x) => journal.messages[x.m] !== undefined);
    repetition(court, device, log, known);
    order(court, device, known);
  }
}

/** The right device, from whom it says. */
function address(court, device, log, { m, from, at }) {
  const message = court.journal.messages[m];
  const about = { m, device, at };
  if (!message) return court.blame('misrouted', `${device} got a message ${m} that nobody sent`, about);
  const { to } = message;
  const meant = typeof to === 'string' ? to === device : to.account === log.account && !(to.except_me && message.from === device);
  if (!meant) court.blame('misrouted', `message ${m} for ${JSON.stringify(to)} came to ${device}`, about);
  if (from !== (message.http ? undefined : message.from))
    court.blame('misrouted', `message ${m} of ${message.from} came to ${device} as from ${from}`, about);
}

/** Twice only where a resume says so: with `ack`, on a later resumed connection, before anything new, not once acked. */
function repetition(court, device, log, received) {
  const seen = new Map(); // m -> the arrival before
  const newOn = new Set(); // connections that have brought something certainly new
  for (const entry of received) {
    const { m, c, id, ack, at } = entry;
    const before = seen.get(m);
    seen.set(m, entry);
    if (!ack) newOn.add(c);
    if (!before) continue;
    const about = { m, device, at };
    const blame = (why) => court.blame('delivered twice', `message ${m} came to ${device} on connections ${before.c} and ${c}: ${why}`, about);
    if (before.id !== id) blame(`as two messages, ${before.id} and ${id}`);
    else if (before.c === c) blame('twice on one');
    else if (!ack || !before.ack) blame('it asked for no ack');
    else if (!resumedBetween(log, before.c, c)) blame('not everything between was resumed');
    else if (newOn.has(c)) blame('after something new');
    else if (wasAcked(court, m, device, log.connections[c].startedAt)) blame('it had been acked before');
    else ++court.counts.redelivered;
  }
}

const resumedBetween = (log, from, to) =>
  log.connections.slice(from + 1, to + 1).every((x) => x.welcomedAt === undefined || x.resumed === true);

function wasAcked(court, m, device, before) {
  return (court.evidence.verdicts.get(m) ?? []).some((x) => {
    const verdict = x.devices ? x.devices.find((y) => y.device === device)?.verdict : x.verdict;
    return verdict === 'acked' && x.at < before;
  });
}

/**
 * By sender: ascending on each connection of the device, repetitions included, and ascending over all first arrivals.
 * What a sender sent on its connection before may still be under way when the next one is used: that is counted, and a
 * violation where it had its verdict by then. A back end has an order within one HTTP connection.
 */
function order(court, device, received) {
  const { journal } = court;
  const highest = new Map(); // scope -> the arrival with the highest m so far
  const overtaken = (scope, entry) => {
    const before = highest.get(scope);
    if (!before || before.m < entry.m) highest.set(scope, entry);
    // During a takeover the old connection may bring something after the new one has: what came later is no overtaking.
    const came = before && (before.c === entry.c || before.at < entry.at);
    return came && before.m > entry.m ? before.m : undefined;
  };
  const seen = new Set();
  for (const entry of received) {
    const { m, c, at } = entry;
    const { from, to, c: sentOn, http } = journal.messages[m];
    if (typeof to !== 'string') continue; // to an account: by way of the list of its devices
    const blame = (by) => court.blame('order', `${device} got message ${m} of ${from} after ${by}`, { m, device, at });
    const here = overtaken(`${c} ${from} ${sentOn}`, entry);
    if (here !== undefined) blame(here);
    if (seen.has(m)) continue;
    seen.add(m);
    const onOne = overtaken(`first ${from} ${sentOn}`, entry);
    if (onOne !== undefined) {
      if (here === undefined) blame(onOne);
      continue;
    }
    const ever = http ? undefined : overtaken(`ever ${from}`, entry);
    if (ever === undefined) continue;
    const { sentAt } = journal.messages[ever];
    if ((court.evidence.verdicts.get(m) ?? []).some((x) => x.at < sentAt)) blame(ever);
    else ++court.counts.reorderedAcrossMove;
  }
}
