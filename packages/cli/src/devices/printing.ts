/** Results go to standard output, what is said about them to standard error: a pipe gets the results alone. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: object): void => print(JSON.stringify(value));
export const printNote = (text: string): void => void process.stderr.write(`${text}\n`);
