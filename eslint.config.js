import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// ---------------------------------------------------------------- who may import whom

/** @param {string} regex @param {string} message @param {boolean} [allowTypeImports] */
const never = (regex, message, allowTypeImports = false) => ({ regex, message, allowTypeImports });

/** Top-level folders, as a relative import from another folder names them. @param {...string} names */
const folders = (...names) => `^(\\.\\./)+(${names.join('|')})/`;

/** Packages and all their subpaths. @param {...string} names */
const packages = (...names) => `^(${names.join('|')})($|/)`;

const WORKFLOWS_BUT_CONTRACT = '^(\\.\\./)+workflows/(?!core/|contract\\.ts$)';
const ADAPTERS = ['git', 'oci', 'charts', 'chart-index', 'cloud', 'helm', 'kube'];
const GIT = never(packages('simple-git'), 'Only activities/git imports simple-git.');
const KUBE = never(packages('@kubernetes/client-node'), 'Only activities/kube imports @kubernetes/client-node.');
const UNDICI = never(
  packages('undici'),
  'Only activities/http, activities/kube, activities/oci and stack/tools make connections with undici.',
);

const CLOUD_PACKAGES = ['@aws-sdk/[a-z-]+', 'google-auth-library', '@azure/[a-z-]+'];
const CLOUD = never(packages(...CLOUD_PACKAGES), 'Only activities/cloud imports the SDKs of clouds.');

/** The packages that belong to one door, for those who are not that door. */
const DOORS = [GIT, KUBE, UNDICI, CLOUD];

const activitiesNever = [
  never(folders('worker', 'api', 'runtime', 'stack', 'test', 'bench'), 'Activities know adapters and the core only.'),
  never(WORKFLOWS_BUT_CONTRACT, 'Activities import workflows/core and workflows/contract.ts, not workflows.'),
  never(packages('@temporalio/(workflow|worker|client)', 'fastify'), 'Activities know nothing of who runs them.'),
];

/**
 * One entry per layer, the more special one later (a later entry replaces an earlier one for the same file).
 * @type {{ name: string, files: string[], patterns: ReturnType<typeof never>[] }[]}
 */
const LAYERS = [
  {
    name: 'workflows',
    files: ['workflows/**/*.ts'],
    patterns: [
      never(
        '^(?!\\.|@temporalio/(workflow|common)$)',
        'Workflows are deterministic: only @temporalio/workflow and common.',
      ),
      never(
        folders('worker', 'api', 'runtime', 'stack', 'test', 'bench'),
        'Workflows know the core and the types of activities.',
      ),
      never(folders('activities'), 'Workflows import only the types of activities.', true),
    ],
  },
  {
    name: 'workflows/core',
    files: ['workflows/core/**/*.ts'],
    patterns: [never('^(?!\\./)', 'The core imports nothing but itself.')],
  },
  { name: 'activities', files: ['activities/**/*.ts'], patterns: [...activitiesNever, ...DOORS] },
  ...ADAPTERS.map((adapter) => ({
    name: `activities/${adapter}`,
    files: [`activities/${adapter}/**/*.ts`],
    patterns: [
      ...activitiesNever,
      never(folders(...ADAPTERS.filter((other) => other !== adapter)), 'An adapter never imports another adapter.'),
      ...DOORS.filter(
        (door) =>
          !(door === GIT && adapter === 'git') &&
          !(door === KUBE && adapter === 'kube') &&
          !(door === CLOUD && adapter === 'cloud') &&
          !(door === UNDICI && (adapter === 'kube' || adapter === 'oci')),
      ),
    ],
  })),
  {
    // Not an adapter, but what adapters stand on: the way to servers that a HelmRepository names.
    name: 'activities/http',
    files: ['activities/http/**/*.ts'],
    patterns: [
      ...activitiesNever,
      never(folders(...ADAPTERS), 'activities/http knows nothing of what is asked for.'),
      ...DOORS.filter((door) => door !== UNDICI),
    ],
  },
  {
    name: 'worker',
    files: ['worker/**/*.ts'],
    patterns: [
      never(folders('api', 'stack', 'test', 'bench'), 'The worker wires activities; it knows no API and no stack.'),
      ...DOORS,
    ],
  },
  {
    name: 'api',
    files: ['api/**/*.ts'],
    patterns: [
      never(folders('activities', 'worker', 'stack', 'test', 'bench'), 'The API talks to Temporal only.'),
      never(WORKFLOWS_BUT_CONTRACT, 'The API imports workflows/core and workflows/contract.ts, not workflows.'),
      never(packages('@temporalio/(workflow|worker|activity)'), 'The API is a client of Temporal, nothing else.'),
      ...DOORS,
    ],
  },
  {
    name: 'runtime',
    files: ['runtime/**/*.ts'],
    patterns: [
      never(
        '^(\\.\\./)+(?!workflows/core/)',
        'What worker, api and stack share imports the core and nothing else of ours.',
      ),
      ...DOORS,
    ],
  },
  ...['stack', 'stack/tools'].map((name) => ({
    name,
    files: [`${name}/**/*.ts`],
    patterns: [
      never(
        folders('activities', 'worker', 'api', 'test', 'bench'),
        'The stack starts the parts as processes; it imports runtime and contract.',
      ),
      never(WORKFLOWS_BUT_CONTRACT, 'The stack imports workflows/core and workflows/contract.ts, not workflows.'),
      ...DOORS.filter((door) => !(door === UNDICI && name === 'stack/tools')),
    ],
  })),
  { name: 'bench', files: ['bench/**/*.ts'], patterns: [never(folders('test'), 'Benchmarks do not depend on tests.')] },
];

// ---------------------------------------------------------------- what a layer may say

const THROW_ERROR = {
  selector: "ThrowStatement > NewExpression[callee.name='Error']",
  message: 'Throw failure(code, message), so that the loop knows what to do next.',
};
const DYNAMIC_IMPORT = { selector: 'ImportExpression', message: 'Import statically, so that the layer rules see it.' };
const DYNAMIC_IMPORT_BUT_CLOUDS = {
  ...DYNAMIC_IMPORT,
  selector: `ImportExpression:not([source.value=/${packages(...CLOUD_PACKAGES).replaceAll('/', '\\/')}/])`,
};
const ASYNC = { selector: ':function[async=true]', message: 'The core is synchronous.' };
const IMPURE = ['Date', 'process', 'setTimeout', 'setInterval', 'fetch', 'console', 'crypto', 'performance', 'Buffer'];
const SIZES = { skipBlankLines: true, skipComments: true };

export default defineConfig(
  { ignores: ['node_modules/', '.holdfast/', 'test/lint/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  importX.flatConfigs.typescript,
  prettier,
  {
    name: 'holdfast/everywhere',
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createNodeResolver()] },
    plugins: { 'import-x': importX },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-bitwise': 'error',
      'no-console': 'error',
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
      complexity: ['error', 12],
      'max-params': ['error', 3],
      'max-lines': ['error', { max: 300, ...SIZES }],
      'max-lines-per-function': ['error', { max: 60, ...SIZES }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { requireDefaultForNonUnion: true, considerDefaultExhaustiveForUnions: false },
      ],
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'import-x/order': [
        'error',
        { groups: ['builtin', 'external', 'parent', 'sibling', 'index'], alphabetize: { order: 'asc' } },
      ],
    },
  },
  ...LAYERS.map(({ name, files, patterns }) => ({
    name: `holdfast/layer ${name}`,
    files,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  })),
  {
    name: 'holdfast/no code paths hidden from the layers',
    files: ['workflows/**/*.ts', 'runtime/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', DYNAMIC_IMPORT] },
  },
  {
    name: 'holdfast/errors carry a code',
    files: ['activities/**/*.ts', 'worker/**/*.ts', 'api/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', DYNAMIC_IMPORT, THROW_ERROR] },
  },
  {
    // Loaded only where they are used: together they take 50 MB of memory.
    name: 'holdfast/clouds on demand',
    files: ['activities/cloud/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', DYNAMIC_IMPORT_BUT_CLOUDS, THROW_ERROR] },
  },
  {
    name: 'holdfast/the core is pure',
    files: ['workflows/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
      'no-restricted-syntax': ['error', DYNAMIC_IMPORT, ASYNC],
    },
  },
  // These talk to a person on a terminal.
  { name: 'holdfast/speak', files: ['stack/**', 'bench/**', 'test/soak/**'], rules: { 'no-console': 'off' } },
  {
    name: 'holdfast/tests',
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['describe', 'it', 'test', 'suite'] },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { console: 'readonly', setInterval: 'readonly', clearInterval: 'readonly' } },
  },
  { files: ['eslint.config.js'], rules: { 'import-x/no-default-export': 'off' } },
);
