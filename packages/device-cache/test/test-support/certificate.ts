/** A certificate for this machine that nobody has signed but itself: who is to trust it is given its file. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Why there can be none; undefined where there can. */
export const certificateMissing: string | undefined =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'no openssl on this machine';

/** The files of a certificate. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes one in a folder, valid for a day. */
export function selfSigned(folder: string): Certificate {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-days', '1', '-subj', '/CN=localhost', '-addext', names],
    ...['-keyout', key, '-out', certificate],
  ]);
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${String(made.stderr)}`);
  return { certificate, key };
}
