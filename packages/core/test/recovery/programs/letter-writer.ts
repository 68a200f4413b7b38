/** Writes dead letters one after the other until it is killed, and tells of each when it is safe. */
import { deadLetters, letterFile } from '../../../src/recovery/index.ts';

const letters = deadLetters<string>({ store: letterFile({ path: process.argv[2]! }) });
for (let item = 0; ; item++) {
  await letters.add(`item ${item}`, new Error('down'));
  process.stdout.write(`item ${item}\n`);
}
