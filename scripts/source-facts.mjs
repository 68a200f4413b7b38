// What the sources of the library declare, read from their syntax trees: interfaces with their comments, constants, events.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import ts from 'typescript';

const isTest = (name) => /(\.test\.ts$)|(^|\/)test-support\//.test(name);

/**
 * Reads a source folder. `interfaces` maps a name to `{ name, room, docs, heritage, members }`, a member being
 * `{ name, optional, type, docs }`; `constants` maps a name to `{ name, room, type, values }`, `values` being the source
 * of each property where the constant is an object; `told` lists the types of events that are told or asked for by a
 * literal, each with the place.
 */
export function readSources(folder) {
  const names = readdirSync(folder, { recursive: true })
    .map((name) => name.split(sep).join('/'))
    .filter((name) => name.endsWith('.ts') && !isTest(name))
    .toSorted((a, b) => a.localeCompare(b, 'en'));
  const facts = { interfaces: new Map(), constants: new Map(), told: [] };
  for (const name of names) {
    const source = ts.createSourceFile(name, readFileSync(join(folder, name), 'utf8'), ts.ScriptTarget.Latest, true);
    const room = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
    for (const statement of source.statements) noteDeclaration(facts, room, statement);
    noteTold(facts, name, source);
  }
  return facts;
}

function noteDeclaration(facts, room, statement) {
  if (ts.isInterfaceDeclaration(statement)) {
    const heritage = (statement.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.getText()));
    const members = statement.members.filter(ts.isPropertySignature).map(memberOf);
    const name = statement.name.text;
    facts.interfaces.set(name, { name, room, docs: docsOf(statement), heritage, members });
  } else if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations) {
      const name = declaration.name.getText();
      const type = declaration.type?.getText() ?? '';
      facts.constants.set(name, { name, room, type, values: valuesOf(declaration.initializer) });
    }
  }
}

const memberOf = (member) => ({
  name: ts.isStringLiteral(member.name) ? member.name.text : member.name.getText(),
  optional: member.questionToken !== undefined,
  type: member.type?.getText() ?? '',
  docs: docsOf(member),
});

/** The comment of a declaration in one line: no tags, and of a link its target. */
function docsOf(node) {
  const comment = node.jsDoc?.at(-1)?.comment;
  const text = typeof comment === 'string' ? comment : (comment ?? []).map(textOf).join('');
  return text.replaceAll(/\s+/g, ' ').trim();
}

const textOf = (part) => (part.name === undefined ? part.text : `\`${part.name.getText()}\``);

/** The source of each property of an object, which may be frozen; undefined for anything else. */
function valuesOf(initializer) {
  let node = initializer;
  while (node !== undefined && ts.isCallExpression(node) && node.expression.getText().endsWith('freeze'))
    [node] = node.arguments;
  while (node !== undefined && (ts.isAsExpression(node) || ts.isSatisfiesExpression(node))) node = node.expression;
  if (node === undefined || !ts.isObjectLiteralExpression(node)) return undefined;
  const values = new Map();
  for (const property of node.properties) {
    if (ts.isPropertyAssignment(property)) values.set(property.name.getText(), oneLine(property.initializer.getText()));
    else if (ts.isShorthandPropertyAssignment(property)) values.set(property.name.getText(), property.name.getText());
  }
  return values;
}

const oneLine = (text) => text.replaceAll(/\s+/g, ' ').replaceAll(/,\s*([)\]}])/g, ' $1');

function noteTold(facts, file, source) {
  const visit = (node) => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const method = node.expression.name.text;
      const type = method === 'emit' ? node.arguments[1] : method === 'wants' ? node.arguments[0] : undefined;
      if (type !== undefined && ts.isStringLiteral(type)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        facts.told.push({ type: type.text, where: `${file}:${line + 1}` });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** The members of an interface, inherited ones last. Those of `except` are left out, with all that they inherit. */
export function membersOf({ interfaces }, name, except = []) {
  const found = interfaces.get(name);
  if (found === undefined) return [];
  const inherited = found.heritage.map(baseName).filter((base) => !except.includes(base));
  return [...found.members, ...inherited.flatMap((base) => membersOf({ interfaces }, base, except))];
}

const baseName = (type) => type.replace(/<.*$/s, '');
