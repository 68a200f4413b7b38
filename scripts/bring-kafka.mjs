// Apache Kafka for tests: its jars from Maven Central, once, into `.cache/kafka/lib`. Needs Java 17 and Maven.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { Unavailable } from './bootstrap.mjs';
import { runCommand } from './run-command.mjs';
import { inRoot } from './workspace.mjs';

const oldestJava = 17;
const folder = inRoot('.cache', 'kafka', 'lib');

/** The folder of the jars. */
export async function bringKafka() {
  await checkJava();
  if (existsSync(folder)) return folder;
  mkdirSync(inRoot('.cache', 'kafka'), { recursive: true });
  // Under a name of our own first: half of the jars must not be taken for all.
  const draft = `${folder}.${process.pid}`;
  const result = await runCommand('mvn', [
    '-q',
    '-B',
    '-f',
    inRoot('scripts', 'kafka', 'pom.xml'),
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${draft}`,
  ]);
  if (!result.ok) {
    rmSync(draft, { recursive: true, force: true });
    throw new Unavailable(`Apache Kafka could not be fetched from Maven Central (${lastLine(result.output)})`);
  }
  if (!existsSync(folder)) renameSync(draft, folder);
  return folder;
}

async function checkJava() {
  const java = await runCommand('java', ['-version']);
  if (!java.ok) throw new Unavailable(`there is no Java ${oldestJava}`);
  const major = Number(/version "(\d+)/.exec(java.output)?.[1] ?? 0);
  if (major < oldestJava) throw new Unavailable(`Apache Kafka needs Java ${oldestJava}; this is ${major}`);
}

const lastLine = (output) => output.trim().split('\n').at(-1);
