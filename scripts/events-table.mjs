// The table of all events: what is told, by whom, when, how it comes out and how much it matters.
import { table } from './markdown-table.mjs';
import { membersOf } from './source-facts.mjs';

const NAME_OF_MAP = /^\w+Events$/;

/** All events that the sources declare, by type: `{ type, room, maps, docs, outcomes, fields }`, where `maps` are the interfaces that have it. */
export function eventsOf(facts) {
  const events = new Map();
  for (const { name, room, members } of facts.interfaces.values()) {
    if (!NAME_OF_MAP.test(name)) continue;
    for (const member of members) {
      const details = facts.interfaces.get(member.type);
      const fields = membersOf(facts, member.type);
      const outcome = fields.find((field) => field.name === 'outcome');
      const outcomes = outcome?.type.match(/'[\w-]+'/g)?.map((literal) => literal.slice(1, -1)) ?? [];
      const docs = member.docs === '' ? (details?.docs ?? '') : member.docs;
      const maps = [...(events.get(member.name)?.maps ?? []), name];
      events.set(member.name, { type: member.name, room, maps, docs, outcomes, fields });
    }
  }
  return events;
}

/** What is wrong with the events of the sources, one line each. `severities` is the table of the library. */
export function eventFaults(facts, severities) {
  const events = eventsOf(facts);
  const faults = [];
  for (const { type, docs, outcomes } of events.values()) {
    if (docs === '') faults.push(`the event ${type} has no comment`);
    const severity = severities[type];
    if (severity === undefined) faults.push(`the event ${type} has no severity in events/severities.ts`);
    if (typeof severity !== 'object') continue;
    for (const outcome of outcomes.filter((each) => severity[each] === undefined))
      faults.push(`the event ${type} has no severity for the outcome ${outcome}`);
    for (const outcome of Object.keys(severity).filter((each) => !outcomes.includes(each)))
      faults.push(`the event ${type} has a severity for ${outcome}, which is no outcome of it`);
  }
  for (const type of Object.keys(severities)) {
    if (!events.has(type)) faults.push(`events/severities.ts knows an event ${type} that nobody tells`);
  }
  for (const { type, where } of facts.told) {
    if (!events.has(type)) faults.push(`${where}: the event ${type} is in no interface of events`);
  }
  return faults;
}

/** The table; where `of` is given, of the events of one room, or of one interface of events: `WorkerPoolEvents`. */
export function eventsTable(facts, severities, envelope, of) {
  const chosen = [...eventsOf(facts).values()].filter(
    ({ room, maps }) => of === undefined || room === of || maps.includes(of),
  );
  if (chosen.length === 0) throw new Error(`no room and no interface named ${of} tells events`);
  const common = new Set(envelope.map(({ name }) => name));
  const rows = chosen.map(({ type, room: by, docs, outcomes, fields }) => {
    const carries = fields.filter(({ name }) => !common.has(name)).map(({ name }) => `\`${name}\``);
    const cells = [
      `\`${type}\``,
      by,
      shown(severities[type]),
      outcomes.join(', ') || '–',
      docs,
      carries.join(', ') || '–',
    ];
    return of === undefined ? cells : cells.toSpliced(1, 1);
  });
  const headings = ['event', 'told by', 'severity', 'outcome', 'when', 'carries'];
  return table(of === undefined ? headings : headings.toSpliced(1, 1), rows);
}

function shown(severity = 'missing') {
  if (typeof severity === 'string') return severity;
  return Object.entries(severity)
    .map(([outcome, level]) => `${outcome}: ${level}`)
    .join(', ');
}

/** The table of what every event carries. */
export function envelopeTable(envelope) {
  return table(
    ['field', 'meaning'],
    envelope.map(({ name, docs }) => [`\`${name}\``, docs]),
  );
}
