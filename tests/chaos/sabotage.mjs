// SPDX-License-Identifier: Apache-2.0
// Lies that a test puts into the journal while a run writes it, as if a device had not seen what it saw: the run must
// then end with violations. Each maker answers a `falsify(what, entry)` that says which entry is not written down.

/** Of the entries that fit, `count` after the first `skipped`: one alone may be one of those nobody has a right to. */
const some = (skipped, count, fits) => () => {
  let met = 0;
  return (what, entry) => fits(what, entry) && ++met > skipped && met <= skipped + count;
};

export const sabotages = {
  'drop-received': some(40, 5, (what, { ack }) => what === 'received' && ack),
  'drop-verdict': some(100, 20, (what) => what === 'verdict'),
  'drop-online': some(20, 10, (what, { kind }) => what === 'event' && kind === 'online'),
  'drop-offline': some(5, 2, (what, { kind }) => what === 'event' && kind === 'offline'),
};
