// SPDX-License-Identifier: Apache-2.0
// Bundles the action into the one file that the runner starts, and collects the licences of what is inside it.
import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import nodeResolve from '@rollup/plugin-node-resolve'
import typescript from '@rollup/plugin-typescript'
import license from 'rollup-plugin-license'

const out = process.env.GATE_DIST ?? 'dist'

export default {
  input: 'src/index.ts',
  output: { esModule: true, file: `${out}/index.js`, format: 'es' },
  plugins: [
    typescript({ include: ['src/**/*.ts'], outDir: out, declaration: false }),
    nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }),
    commonjs(),
    json(),
    license({
      thirdParty: {
        allow: {
          test: '(MIT OR ISC OR BSD-2-Clause OR BSD-3-Clause OR Apache-2.0 OR 0BSD)',
          failOnUnlicensed: true,
          failOnViolation: true,
        },
        output: { file: `${out}/licenses.txt`, encoding: 'utf-8' },
      },
    }),
  ],
  onwarn(warning, warn) {
    // Both are in dependencies, and harmless.
    if (warning.code === 'CIRCULAR_DEPENDENCY' || warning.code === 'THIS_IS_UNDEFINED') return
    warn(warning)
  },
}
