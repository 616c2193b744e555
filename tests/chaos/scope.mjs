// SPDX-License-Identifier: Apache-2.0
// What node's tests offer as `t`, for things that belong together and a command that is no test: `after` takes what is to
// be done at the end, `close` does it, the latest first, all of it, and throws the first error.

export class Scope {
  ends = [];

  after(end) {
    this.ends.push(end);
  }

  async close() {
    let failed;
    for (const end of this.ends.splice(0).reverse()) await Promise.resolve().then(end).catch((error) => (failed ??= error));
    if (failed) throw failed;
  }
}
