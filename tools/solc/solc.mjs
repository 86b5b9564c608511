#!/usr/bin/env node
// Answers as the native compiler `solc` of the same version does, for the two questions that
// py-solc-x, brownie and forge ask of it: `--version` and `--standard-json`. The compiler behind it
// is the WebAssembly build of the npm package `solc`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const VERSION = "0.8.30";
const LONG_VERSION = "0.8.30+commit.73712a01.Linux.g++";
const FLAGS_WITH_VALUE = new Set(["--allow-paths", "--base-path", "--include-path"]);

const require = createRequire(import.meta.url);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

function parseArguments(args) {
  const options = { mode: null, input: null, roots: [], unknown: [] };
  for (let i = 0; i < args.length; i += 1) {
    const [flag, inline] = args[i].split(/=(.*)/s, 2);
    const value = FLAGS_WITH_VALUE.has(flag) ? (inline ?? args[(i += 1)]) : undefined;
    if (flag === "--version" || flag === "--standard-json") options.mode = flag;
    else if (flag === "--base-path" || flag === "--include-path") options.roots.push(value);
    else if (flag === "-" || !flag.startsWith("-")) options.input = flag;
    else if (!FLAGS_WITH_VALUE.has(flag)) options.unknown.push(flag);
  }
  if (options.roots.length === 0) options.roots.push(".");
  return options;
}

/** Finds an import the way solc does: by its name under the base path and the include paths. */
function importCallback(roots) {
  return (name) => {
    const unit = name.replace(/^file:\/\//, "");
    for (const root of roots) {
      try {
        return { contents: readFileSync(path.resolve(root, unit), "utf8") };
      } catch (error) {
        if (error.code !== "ENOENT" && error.code !== "ENOTDIR") return { error: error.message };
      }
    }
    return { error: `File not found: ${name}` };
  };
}

/** Built-in declarations have negative ids, which WebAssembly prints modulo 2^32. */
function signIds(node) {
  for (const key of Object.keys(node)) {
    const value = node[key];
    if (typeof value === "number" && value >= 2 ** 31) node[key] = value - 2 ** 32;
    else if (value !== null && typeof value === "object") signIds(value);
  }
}

async function readStandardInput() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function compile(options) {
  const readsStandardInput = options.input === null || options.input === "-";
  const input = readsStandardInput
    ? await readStandardInput()
    : readFileSync(options.input, "utf8");
  const solc = require("solc");
  const output = JSON.parse(solc.compile(input, { import: importCallback(options.roots) }));
  for (const source of Object.values(output.sources ?? {})) {
    if (source.ast) signIds(source.ast);
  }
  return JSON.stringify(output);
}

// The process ends by itself once the output is written: process.exit() would cut it off in a pipe.
async function main() {
  const options = parseArguments(process.argv.slice(2));
  const { version } = require("solc/package.json");
  if (version !== VERSION) return fail(`The npm package solc is ${version}, expected ${VERSION}`);
  if (options.unknown.length > 0) return fail(`Unsupported option: ${options.unknown.join(", ")}`);
  if (options.mode === "--version") {
    process.stdout.write(
      "solc, the solidity compiler commandline interface\n" + `Version: ${LONG_VERSION}\n`,
    );
  } else if (options.mode === "--standard-json") {
    process.stdout.write(`${await compile(options)}\n`);
  } else {
    fail("Only --version and --standard-json are supported");
  }
}

await main();
