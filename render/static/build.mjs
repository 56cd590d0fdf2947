// Builds gmptrace.bundle.js from src/ and the pinned packages, and writes its
// sha256 beside it. The same sources give the same bytes.
import {createHash} from 'node:crypto';
import {readFile, writeFile} from 'node:fs/promises';
import {build} from 'esbuild';

const bundle = 'gmptrace.bundle.js';

await build({
  entryPoints: ['src/main.js'],
  bundle: true,
  format: 'iife',
  minify: true,
  target: ['chrome109', 'firefox115', 'safari16.4'],
  charset: 'ascii', // the page's own encoding must not matter to the script's hash
  legalComments: 'none', // one banner instead; the licences are in NOTICE
  banner: {
    js: '/*! gmptrace. Contains parts of Apache ECharts (Apache-2.0), d3 (BSD-3-Clause), zrender (BSD-3-Clause) and tslib (0BSD), minified. See https://www.apache.org/licenses/LICENSE-2.0 and the NOTICE of gmptrace. */',
  },
  define: {'process.env.NODE_ENV': '"production"'},
  outfile: bundle,
});

const script = await readFile(bundle);
if (/<\/script|<!--/i.test(script)) throw new Error(`${bundle} would end the script element it is put in`);
const sum = createHash('sha256').update(script).digest('hex');
await writeFile(`${bundle}.sha256`, `${sum}  ${bundle}\n`);
console.log(`${bundle}: ${script.length} bytes, sha256 ${sum}`);
