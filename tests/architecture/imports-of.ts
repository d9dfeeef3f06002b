import ts from 'typescript';

export interface ImportFound {
  /** What stands between the quotes. */
  readonly specifier: string;
  /** Erased when compiled: only types are taken. */
  readonly typeOnly: boolean;
}

const SCRIPT_BLOCK = /<script\b[^>]*>([\s\S]*?)<\/script>/g;

/** The code of a component is its script blocks. */
const codeOf = (path: string, text: string): string =>
  path.endsWith('.svelte') ? [...text.matchAll(SCRIPT_BLOCK)].map((match) => match[1] ?? '').join('\n') : text;

function takesOnlyTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  if (clause.name !== undefined || clause.namedBindings === undefined) return false;
  return (
    ts.isNamedImports(clause.namedBindings) &&
    clause.namedBindings.elements.length > 0 &&
    clause.namedBindings.elements.every((one) => one.isTypeOnly)
  );
}

const literal = (node: ts.Node | undefined): string | null =>
  node !== undefined && ts.isStringLiteralLike(node) ? node.text : null;

/** The file that a `new URL('…', import.meta.url)` names: how a page reaches a Web Worker's code. */
function urlBesideThis(node: ts.Node, source: ts.SourceFile): string | null {
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression) || node.expression.text !== 'URL') return null;
  const [path, base] = node.arguments ?? [];
  const file = literal(path);
  return file !== null && base?.getText(source) === 'import.meta.url' && /\.(ts|js|svelte)$/.test(file) ? file : null;
}

/** The kinds of nodes that may import: of all nodes of a file few are. */
const IMPORTING: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.ImportDeclaration,
  ts.SyntaxKind.ExportDeclaration,
  ts.SyntaxKind.ImportType,
  ts.SyntaxKind.CallExpression,
  ts.SyntaxKind.NewExpression,
]);

/** Every import of a TypeScript file or Svelte component: static, dynamic, re-exported, in a type, or as a worker's address. */
export function importsOf(path: string, text: string): ImportFound[] {
  const source = ts.createSourceFile(path, codeOf(path, text), ts.ScriptTarget.Latest, false, ts.ScriptKind.TS);
  const found: ImportFound[] = [];
  const add = (specifier: string | null, typeOnly: boolean) => {
    if (specifier !== null) found.push({ specifier, typeOnly });
  };
  const look = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(literal(node.moduleSpecifier), takesOnlyTypes(node.importClause));
    else if (ts.isExportDeclaration(node)) add(literal(node.moduleSpecifier), node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : null, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(literal(node.arguments[0]), false);
    else add(urlBesideThis(node, source), false);
  };
  const visit = (node: ts.Node): void => {
    if (IMPORTING.has(node.kind)) look(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
