// Prints the script that the first view loads, gzipped, and fails above the limit. Run after `npm run build`.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 150_000;

const page = readFileSync("dist/index.html", "utf8");
const scripts = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path]) => path);
const sizes = scripts.map((path) => [path, gzipSync(readFileSync(`dist/${path}`), { level: 9 }).length]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);

for (const [path, size] of [...sizes, ["first view", total]]) {
  process.stdout.write(`${(size / 1000).toFixed(1).padStart(7)} kB  ${path}\n`);
}
if (scripts.length === 0 || total > LIMIT_BYTES) {
  process.stderr.write(`The first view must load some script, and at most ${LIMIT_BYTES / 1000} kB of it.\n`);
  process.exit(1);
}
