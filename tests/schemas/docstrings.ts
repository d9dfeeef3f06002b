import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { resolveImport, type Aliases } from '#tests/architecture/rooms';
import { ROOT } from '#tests/steps';

/** What the source says of a schema and of its members. */
export interface Docs {
  readonly text: string | null;
  readonly members: ReadonlyMap<string, Docs>;
}

const NONE: Docs = { text: null, members: new Map() };
/** Calls whose first argument is what the schema is about. */
const AROUND = /^(v\.(pipe|nullable|optional|array)|listOf)$/;
const OBJECT = /^v\.(strictObject|object)$/;

const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { imports: Aliases };
const aliases = Object.fromEntries(Object.entries(imports).map(([key, value]) => [key, value.replace(/^\.\//, '')]));

const sources = new Map<string, ts.SourceFile>();
function sourceOf(file: string): ts.SourceFile {
  const source =
    sources.get(file) ??
    ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  sources.set(file, source);
  return source;
}

/** The docstring right above a node, in one line. */
function docstringOf(node: ts.Node): string | null {
  const last = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  const text = last === undefined ? undefined : ts.getTextOfJSDocComment(last.comment);
  return text === undefined ? null : text.replace(/\s+/g, ' ').trim();
}

function declarationIn(source: ts.SourceFile, name: string): ts.VariableDeclaration | null {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const found = statement.declarationList.declarations.find((one) => one.name.getText() === name);
    if (found !== undefined) return found;
  }
  return null;
}

/** Where a name that a file imports is declared; null for a package. */
function importedFrom(source: ts.SourceFile, name: string): string | null {
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const named = statement.importClause?.namedBindings;
    if (named === undefined || !ts.isNamedImports(named) || !named.elements.some((one) => one.name.text === name))
      continue;
    const target = resolveImport(source.fileName, (statement.moduleSpecifier as ts.StringLiteral).text, aliases);
    if (target === null) return null;
    const file = target.endsWith('.ts') ? target : `${target}.ts`;
    return existsSync(join(ROOT, file)) ? file : null;
  }
  return null;
}

function docsOfName(name: string, source: ts.SourceFile): Docs {
  const own = declarationIn(source, name);
  if (own?.initializer !== undefined)
    return { text: docstringOf(own.parent.parent), members: docsOfExpression(own.initializer, source).members };
  const file = importedFrom(source, name);
  return file === null ? NONE : docsOfName(name, sourceOf(file));
}

function membersOf(literal: ts.ObjectLiteralExpression, source: ts.SourceFile): Map<string, Docs> {
  const members = new Map<string, Docs>();
  for (const property of literal.properties) {
    if (ts.isSpreadAssignment(property)) {
      for (const [name, docs] of docsOfExpression(property.expression, source).members) members.set(name, docs);
    } else if (ts.isPropertyAssignment(property)) {
      const docs = docsOfExpression(property.initializer, source);
      members.set(property.name.getText(), { text: docstringOf(property) ?? docs.text, members: docs.members });
    }
  }
  return members;
}

function docsOfExpression(expression: ts.Expression, source: ts.SourceFile): Docs {
  if (ts.isIdentifier(expression)) return docsOfName(expression.text, source);
  if (ts.isObjectLiteralExpression(expression)) return { text: null, members: membersOf(expression, source) };
  if (!ts.isCallExpression(expression)) return NONE;
  const [first] = expression.arguments;
  const callee = expression.expression.getText();
  if (first === undefined || !(AROUND.test(callee) || OBJECT.test(callee))) return NONE;
  return docsOfExpression(first, source);
}

/** The docstrings of a schema that a file declares under this name, through pipes, lists, spreads and imports. */
export const docsOf = (file: string, constant: string): Docs => docsOfName(constant, sourceOf(file));
