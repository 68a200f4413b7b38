// The table of a policy's options: names and meanings from the comments of its options, defaults from its frozen constant.
import { table } from './markdown-table.mjs';
import { membersOf } from './source-facts.mjs';

/** Options of every policy, which every page would repeat. */
const COMMON = ['PolicyOptions'];

const isDefaults = (name) => /(Defaults|_DEFAULTS)$/.test(name);

/** `RATE_LIMIT_DEFAULTS` and `rateLimitDefaults` are those of `rateLimit`. */
function factoryOf(constant) {
  if (!/^[A-Z_]+$/.test(constant)) return constant.replace(/Defaults$/, '');
  return constant
    .replace(/_DEFAULTS$/, '')
    .toLowerCase()
    .replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/** The interface whose defaults a constant has: the one that its type names, otherwise the one that its name suggests. */
function optionsOf(facts, { name, room, type }) {
  const factory = factoryOf(name);
  const guess = `${factory[0].toUpperCase()}${factory.slice(1)}Options`;
  const named = type.match(/\b\w+Options\b/g) ?? [];
  return [...named, guess].find((candidate) => facts.interfaces.get(candidate)?.room === room);
}

/**
 * The tables for a page: of every constant of defaults that `room` exports, or of `chosen`, which names a constant, or an
 * interface that has no defaults. `exported` are the values that the built room exports.
 */
export function defaultsTables(facts, room, exported, chosen) {
  if (chosen !== undefined && facts.interfaces.has(chosen)) return optionsTable(facts, chosen, undefined, {}, 'option');
  const names = chosen === undefined ? Object.keys(exported).filter(isDefaults) : [chosen];
  if (names.length === 0) throw new Error(`the room ${room} exports no constant that ends in Defaults`);
  const tables = names.map((name) => {
    const constant = facts.constants.get(name);
    if (constant === undefined || exported[name] === undefined) throw new Error(`${room} exports no constant ${name}`);
    if (!Object.isFrozen(exported[name])) throw new Error(`${name} is not frozen`);
    const options = optionsOf(facts, constant);
    if (options === undefined) throw new Error(`no interface of options belongs to ${name}`);
    const heading = names.length === 1 ? 'option' : `option of \`${factoryOf(name)}\``;
    return optionsTable(facts, options, constant, exported[name], heading);
  });
  return tables.join('\n\n');
}

function optionsTable(facts, options, constant, values, heading) {
  const members = membersOf(facts, options, COMMON);
  const known = new Set(membersOf(facts, options).map(({ name }) => name));
  for (const name of Object.keys(values)) {
    if (!known.has(name)) throw new Error(`${constant.name} has ${name}, which is no option of ${options}`);
  }
  const rows = members.map((member) => {
    if (member.docs === '') throw new Error(`${options}.${member.name} has no comment`);
    const has = Object.hasOwn(values, member.name);
    const { meaning, phrase } = split(member.docs, has);
    const value = has ? shown(values[member.name], constant.values?.get(member.name)) : undefined;
    if (has) compare(options, member.name, phrase, values[member.name]);
    return [`\`${member.name}\``, value ?? (member.optional ? (phrase ?? 'none') : 'required'), meaning];
  });
  return table([heading, 'default', 'meaning'], rows);
}

/** `(default)` behind a value explains that value, and says no more of the default than that. */
const SAID = String.raw`(?:^|[;,.]?\s+)(?:required(?=\.)|no default|default(?: is)?:?\s+`;
/** What is said of a default, up to the end of the clause, and up to the end of the sentence. */
const IN_CLAUSE = new RegExp(String.raw`${SAID}((?:[^.;()]|\.(?=\w))+))`, 'i');
const IN_SENTENCE = new RegExp(String.raw`${SAID}((?:[^.()]|\.(?=\w))+))`, 'i');

/** A comment without what it says of the default, and that by itself; `known` where the value itself is shown. */
export function split(docs, known) {
  const found = (known ? IN_CLAUSE : IN_SENTENCE).exec(docs);
  if (found === null) return { meaning: docs, phrase: undefined };
  const before = docs.slice(0, found.index);
  const after = docs.slice(found.index + found[0].length);
  const meaning = `${before}${before === '' ? after.replace(/^[.;,]?\s*/, '') : after}`.trim();
  const closed = /[.!?]$/.test(meaning) || meaning === '' ? meaning : `${meaning}.`;
  return { meaning: closed, phrase: found[1]?.trim() };
}

/** A comment that names another number than the constant has lies. */
function compare(options, name, phrase, value) {
  const told = /^(-?[\d,_]+(?:\.\d+)?)$/.exec(phrase ?? '')?.[1].replaceAll(/[,_]/g, '');
  if (told !== undefined && typeof value === 'number' && Number(told) !== value)
    throw new Error(`the comment of ${options}.${name} says ${phrase}, its default is ${value}`);
}

function shown(value, source) {
  if (typeof value === 'number')
    return value === Infinity ? '`Infinity`' : value.toLocaleString('en-US', { maximumFractionDigits: 9 });
  if (typeof value === 'string') return `\`'${value}'\``;
  if (typeof value === 'boolean') return `\`${value}\``;
  return source === undefined ? 'none' : `\`${source}\``;
}
