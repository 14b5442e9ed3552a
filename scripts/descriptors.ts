/**
 * The data that src/wasm writes and assembly/ reads is declared once, in assembly/: classes marked `@unmanaged`, `const
 * enum`s and exported integer constants. This generates the TypeScript side from them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

/** A generated file, and the folder of assembly/ that it is generated from. */
export const DESCRIPTORS = [
  { folder: 'assembly/shared', file: 'src/wasm/sharedDescriptors.ts' },
  { folder: 'assembly/inference', file: 'src/wasm/inference/descriptors.ts' },
  { folder: 'assembly/training', file: 'src/wasm/training/descriptors.ts' },
  { folder: 'assembly/float64', file: 'src/wasm/float64/descriptors.ts' },
] as const;

/** How a field is stored; addresses have 32 bits. */
const STORED: Readonly<Record<string, string>> = { usize: 'u32', i32: 'u32', u32: 'u32', f32: 'f32', f64: 'f64' };

export interface Declarations {
  /** Fields by the names of their classes, in order, with their types in AssemblyScript. */
  readonly classes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly enums: ReadonlyMap<string, readonly string[]>;
  readonly constants: ReadonlyMap<string, number>;
}

const isExported = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

const isUnmanaged = (node: ts.ClassDeclaration): boolean =>
  (ts.getDecorators(node) ?? []).some(({ expression }) => expression.getText() === 'unmanaged');

/** The text of a name; a declaration of any other form is refused rather than skipped. */
function nameOf(node: ts.Node | undefined): string {
  if (node === undefined || !ts.isIdentifier(node))
    throw new Error(`expected a name, got ${node?.getText() ?? 'none'}`);
  return node.text;
}

function fieldsOf(node: ts.ClassDeclaration): Map<string, string> {
  return new Map(
    node.members.map((member) => {
      const type = ts.isPropertyDeclaration(member) ? (member.type?.getText() ?? '') : '';
      if (!(type in STORED))
        throw new Error(`${nameOf(node.name)}: expected a field of a number, got ${member.getText()}`);
      return [nameOf(member.name), type];
    }),
  );
}

function membersOf(node: ts.EnumDeclaration): string[] {
  return node.members.map((member) => {
    if (member.initializer !== undefined) throw new Error(`${node.name.text}: values are those of the order`);
    return nameOf(member.name);
  });
}

/** What a source of assembly/ declares for src/wasm. */
export function declarationsOf(source: string): Declarations {
  const classes = new Map<string, ReadonlyMap<string, string>>();
  const enums = new Map<string, readonly string[]>();
  const constants = new Map<string, number>();
  ts.createSourceFile('assembly.ts', source, ts.ScriptTarget.Latest, true).forEachChild((node) => {
    if (ts.isClassDeclaration(node) && isUnmanaged(node)) classes.set(nameOf(node.name), fieldsOf(node));
    if (ts.isEnumDeclaration(node) && isExported(node)) enums.set(node.name.text, membersOf(node));
    if (!ts.isVariableStatement(node) || !isExported(node)) return;
    for (const { name, type, initializer } of node.declarationList.declarations) {
      if (!['i32', 'usize'].includes(type?.getText() ?? '')) continue;
      constants.set(nameOf(name), Number(initializer?.getText()));
    }
  });
  return { classes, enums, constants };
}

const constantCase = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toUpperCase();

function write(path: string, { classes, enums, constants }: Declarations): string {
  const object = (entries: readonly string[]): string => `{ ${entries.join(', ')} } as const;\n\n`;
  return [
    ...[...constants].map(([name, value]) => {
      if (!Number.isSafeInteger(value)) throw new Error(`${path}: expected ${name} as an integer literal`);
      return `/** \`${name}\` of ${path}. */\nexport const ${name} = ${value};\n\n`;
    }),
    ...[...enums].map(
      ([name, members]) =>
        `/** Values of \`${name}\` in ${path}. */\nexport const ${constantCase(name)} = ${object(members.map((member, i) => `${member}: ${i}`))}`,
    ),
    ...[...classes].map(
      ([name, fields]) =>
        `/** Fields of \`${name}\` in ${path}. */\nexport const ${constantCase(name)} = ${object([...fields].map(([field, type]) => `${field}: '${STORED[type]}'`))}`,
    ),
  ].join('');
}

/** The declarations in a folder of assembly/, by the path of their file. */
export async function readDeclarations(folder: string): Promise<ReadonlyMap<string, Declarations>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  const entries = names.map(async (name) => {
    const path = `${folder}/${name}`;
    return [path, declarationsOf(await readFile(path, 'utf8'))] as const;
  });
  return new Map(await Promise.all(entries));
}

/** The text of the TypeScript file for a folder of assembly/. */
export async function generateDescriptors(folder: string): Promise<string> {
  const parts = [...(await readDeclarations(folder))].map(([path, declarations]) => write(path, declarations));
  const text = `// Generated from ${folder}/ by \`npm run descriptors\`. Do not edit.\n\n${parts.join('')}`;
  return format(text, { ...(await resolveConfig('package.json')), parser: 'typescript' });
}

/** The generated files that do not match assembly/. */
export async function staleDescriptors(): Promise<string[]> {
  const checks = DESCRIPTORS.map(async ({ folder, file }) => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text.replaceAll('\r\n', '\n') === (await generateDescriptors(folder)) ? [] : [file];
  });
  return (await Promise.all(checks)).flat();
}
