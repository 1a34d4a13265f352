import tseslint from 'typescript-eslint'

const environmentBan = {
  object: 'process',
  property: 'env',
  message: 'Only src/main reads the environment; pass what is needed as a parameter.',
}
const exitBan = {
  object: 'process',
  property: 'exit',
  message: 'Set process.exitCode and let the process end, so that disposal runs.',
}

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'dist/',
      'src/rpc/generated/',
      'bench/results/',
      '**/*.mjs',
      '**/*.js',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': ['error', environmentBan, exitBan],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A method named in an interface need not use `this`; the rule has no option for object literals.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `await using` needs async disposers even where nothing is awaited.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Entry points, and tools that a person runs.
    files: ['src/main/**', 'src/demo/**', 'bench/**', 'test/**', 'scripts/**'],
    rules: { 'no-restricted-properties': ['error', exitBan] },
  },
  {
    files: ['src/cli/**', 'src/main/**', 'src/demo/**', 'bench/**', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**'],
    rules: {
      // chai: `expect(x).to.be.true`
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
)
