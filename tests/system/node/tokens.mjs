// SPDX-License-Identifier: Apache-2.0
// Signs device tokens (JWT) as any issuer would, and badly on purpose: every part can be replaced.
import crypto from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const base64url = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');

const signers = {
  HS256: (text, key) => crypto.createHmac('sha256', key).update(text).digest(),
  RS256: (text, key) => crypto.sign('sha256', Buffer.from(text), key),
  ES256: (text, key) => crypto.sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  none: () => Buffer.alloc(0),
};

/** A token; `header` and `claims` are merged over good ones, undefined takes a member out. */
export function sign(alg, key, claims, header = {}, signWith = alg) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${base64url({ alg, typ: 'JWT', ...header })}.${base64url({ sub: 'tv', acc: 'acme', exp: now + 3600, ...claims })}`;
  return `${text}.${base64url(signers[signWith](text, key))}`;
}

/** Three keys, one an algorithm, and the flags that make a daemon believe them. */
export function keyRing(t) {
  const folder = mkdtempSync(join(tmpdir(), 'stentor-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const secret = crypto.randomBytes(24).toString('hex');
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (pair) => pair.publicKey.export({ type: 'spki', format: 'pem' });
  const file = (name, text) => (writeFileSync(join(folder, name), text), `@${join(folder, name)}`);
  return {
    secret, rsa, ec, rsaPem: pem(rsa), ecPem: pem(ec),
    settings: {
      devAuth: false,
      apiKey: crypto.randomBytes(16).toString('hex'),
      tokenKey: [`hs:HS256:${secret}`, `rs:RS256:${file('rsa.pem', pem(rsa))}`, `es:ES256:${file('ec.pem', pem(ec))}`, `:HS256:${file('default', secret + 'x')}`],
    },
    hs: (claims, header) => sign('HS256', secret, claims, { kid: 'hs', ...header }),
  };
}
