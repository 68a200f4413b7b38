import type { IncomingMessage } from 'node:http';

/** More than any row needs; without a bound one caller could take all memory. */
const MAX_BODY_BYTES = 1_048_576;

/** Reads a request's body and tells once how that ended: whole, too large (the rest is thrown away), or cut by the caller. */
export function readWhole(
  request: IncomingMessage,
  done: (body: string, ending: 'whole' | 'too-large' | 'cut') => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let told = false;
  const tell = (ending: 'whole' | 'too-large' | 'cut'): void => {
    if (told) return;
    told = true;
    done(ending === 'too-large' ? '' : Buffer.concat(chunks).toString('utf8'), ending);
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) tell('too-large');
    else chunks.push(chunk);
  });
  request.once('end', () => tell('whole'));
  request.once('error', () => tell('cut'));
  request.once('close', () => tell('cut'));
}
