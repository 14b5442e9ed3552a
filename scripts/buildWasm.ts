import * as asc from 'assemblyscript/asc';
const r = await asc.main([
  '--config',
  'assembly/asconfig.json',
  '--target',
  'plain',
  '--outFile',
  'dist/wasm/plain.wasm',
  '--textFile',
  'dist/wasm/plain.wat',
]);
console.log(String(r.stdout), String(r.stderr), r.error);
