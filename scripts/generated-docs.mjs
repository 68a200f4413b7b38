// Parts of the docs that are made from the sources. They stand between two comments of a page, `<!-- NAME:begin -->` and
// `<!-- NAME:end -->`, where NAME is
//
//   defaults   the options of the policy that the page is named after; an argument names another constant or interface
//   events     the events of that policy; on the page `events` all of them
//   envelope   what every event carries
//   metrics    all metrics that telemetry keeps
//   labels     what tells their series apart
//
// `npm run docs:write` makes them anew, and the step `docs` fails where one is not what it would be.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defaultsTables } from './defaults-table.mjs';
import { envelopeTable, eventFaults, eventsTable } from './events-table.mjs';
import { labelsTable, metricsTable } from './metrics-table.mjs';
import { internalRooms } from './rooms.mjs';
import { membersOf, readSources } from './source-facts.mjs';
import { inRoot, isMain, root } from './workspace.mjs';

const core = inRoot('packages', 'core');
const PART = /<!-- (defaults|events|envelope|metrics|labels):begin(?: (\w+))? -->\n[\s\S]*?<!-- \1:end -->/g;

const importBuilt = (room) => import(pathToFileURL(join(core, 'dist', room, 'index.js')).href);

/** The text of a page with its generated parts as they should be. */
export async function regenerated(text, page, facts, severities) {
  const envelope = membersOf(facts, 'EventEnvelope');
  const makers = {
    defaults: async (chosen) => {
      // What an internal room holds is exported by the room of the page.
      const own = chosen === undefined ? page : roomOf(facts, chosen);
      const room = internalRooms.includes(own) ? page : own;
      return defaultsTables(facts, room, await importBuilt(room), chosen);
    },
    events: (of) => eventsTable(facts, severities, envelope, of ?? (page === 'events' ? undefined : page)),
    envelope: () => envelopeTable(envelope),
    metrics: async () => metricsTable(await importBuilt('telemetry')),
    labels: async () => labelsTable(await importBuilt('telemetry')),
  };
  const parts = [];
  for (const [whole, name, argument] of text.matchAll(PART)) {
    const [begin] = whole.split('\n');
    parts.push(`${begin}\n\n${await makers[name](argument)}\n\n<!-- ${name}:end -->`);
  }
  return text.replaceAll(PART, () => parts.shift());
}

function roomOf({ constants, interfaces }, name) {
  const found = constants.get(name) ?? interfaces.get(name);
  if (found === undefined) throw new Error(`nothing in the sources is called ${name}`);
  return found.room;
}

/** All pages of the docs as they are and as they should be, and what is wrong besides. */
async function pages() {
  const facts = readSources(join(core, 'src'));
  const { eventSeverities } = await importBuilt('events');
  const faults = eventFaults(facts, eventSeverities);
  const found = [];
  for (const name of readdirSync(inRoot('docs'), { recursive: true })) {
    if (!name.endsWith('.md')) continue;
    const path = inRoot('docs', name);
    const text = readFileSync(path, 'utf8');
    try {
      found.push({ path, text, wanted: await regenerated(text, basename(name, '.md'), facts, eventSeverities) });
    } catch (error) {
      faults.push(`${relative(root, path)}: ${error.message}`);
    }
  }
  return { found, faults };
}

/** What is wrong with the generated parts, one line each. */
export async function generatedDocsFaults() {
  const { found, faults } = await pages();
  const stale = found.filter(({ text, wanted }) => text !== wanted);
  return [...faults, ...stale.map(({ path }) => `${relative(root, path)} is not current: npm run docs:write`)];
}

if (isMain(import.meta)) {
  const { found, faults } = await pages();
  for (const { path, text, wanted } of found) {
    if (text === wanted) continue;
    writeFileSync(path, wanted);
    console.log(`${relative(root, path)} written`);
  }
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
