// SPDX-License-Identifier: Apache-2.0
// What a chaos run writes down, as plain data: the oracle reads nothing else. Times are milliseconds since 1970, as the
// epochs of the directory are microseconds of the same clock.
//
//   devices   name -> {account, format, connections, received, events}
//     connections  {c, node, startedAt, welcomedAt?, resumed?, watchedAt?, endedAt?, code?, by?, status?}: `c` its index;
//                  `code` 1006 means that no close frame came; `by` who began the close: client, server, reset, silence;
//                  `status` of a refused upgrade
//     received     {c, at, id, m, to, from, ack}: messages in order of arrival; `m` and `to` from the payload
//     events       {c, at, kind, device?, epoch?, devices?}: what a watcher was told
//   messages  {m, from, to, want, timeoutMs, sentAt, node, c, http?, key?, unansweredAt?}: `m` numbers them in the order
//             sent, `to` a device or {account, except_me}, `c` the sender's connection, `unansweredAt` when an HTTP
//             connection broke under it
//   verdicts  {m, at, c, verdict, via?, first?, stage?, devices?, error?}: `c` the connection on which it came; `error`
//             where it was an error frame, which answers whatever `want` says
//   faults    {kind, node?, peer?, from, to?}
//   endedAt   when the run was over: what is still open then was open to the end
//   audits    {at, round, asked, device, answer, truth}: a record as node `asked` told it, and what is the case
import { writeFileSync } from 'node:fs';

export class Journal {
  devices = {};
  messages = [];
  verdicts = [];
  faults = [];
  audits = [];
  told = {}; // verdict -> how many, for the progress line
  falsify = () => false; // tests of the oracle drop what this accepts

  device(name, { account, format }) {
    return (this.devices[name] = { account, format, connections: [], received: [], events: [] });
  }

  connection(log, node) {
    const connection = { c: log.connections.length, node, startedAt: Date.now() };
    log.connections.push(connection);
    return connection;
  }

  receive(log, connection, frame) {
    const { m, to } = frame.data ?? {};
    const entry = { c: connection.c, at: Date.now(), id: frame.id, m, to, from: frame.from, ack: frame.ack === true };
    if (!this.falsify('received', entry, log)) log.received.push(entry);
  }

  event(log, connection, { kind, device, epoch, devices }) {
    const entry = { c: connection.c, at: Date.now(), kind, device, epoch, devices };
    if (!this.falsify('event', entry, log)) log.events.push(entry);
  }

  /** A message about to be sent; its number is `m`. */
  message(fields) {
    const message = { m: this.messages.length, sentAt: Date.now(), ...fields };
    this.messages.push(message);
    return message;
  }

  verdict(m, c, { verdict, via, first, at: stage, devices, error }) {
    const entry = { m, at: Date.now(), c, verdict, via, first, stage, devices, error };
    this.told[verdict] = (this.told[verdict] ?? 0) + 1;
    if (!this.falsify('verdict', entry)) this.verdicts.push(entry);
  }

  get data() {
    const { devices, messages, verdicts, faults, audits } = this;
    return { devices, messages, verdicts, faults, audits, endedAt: this.endedAt };
  }

  save(file) {
    writeFileSync(file, JSON.stringify(this.data));
  }
}
