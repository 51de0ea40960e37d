#!/usr/bin/env -S node --liftoff-only
// Behaves like native solc @LONG@ for what py-solc-x and forge ask of it. Written by scripts/solc_from_npm.py.
"use strict";
const fs = require("fs");
const path = require("path");

const LONG_VERSION = "@LONG@";
const VALUED = new Set(["--base-path", "--include-path", "-I", "--allow-paths", "--evm-version", "--optimize-runs"]);

const options = { include: [] };
const files = [];
parseArguments(process.argv.slice(2));

if (options["--version"]) {
  // Asked for often; answering does not need the compiler loaded.
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${LONG_VERSION}\n`);
} else if (options["--help"]) {
  process.stdout.write("  --combined-json abi,ast,bin,bin-runtime,devdoc,srcmap,srcmap-runtime,userdoc\n");
} else if (options["--standard-json"]) {
  compileStandardJson();
} else {
  process.stderr.write("this solc supports --version, --help and --standard-json only\n");
  process.exit(1);
}

function parseArguments(argv) {
  for (let i = 0; i < argv.length; i++) {
    let [name, value] = argv[i].startsWith("--") ? argv[i].split(/=(.*)/s) : [argv[i]];
    if (!name.startsWith("-") || name === "-") {
      files.push(name);
      continue;
    }
    if (VALUED.has(name)) value = value ?? argv[++i];
    if (name === "--include-path" || name === "-I") options.include.push(value);
    else options[name] = value ?? true;
  }
}

function readImport(name) {
  for (const root of [options["--base-path"] ?? "", ...options.include]) {
    const file = path.resolve(root, name);
    if (fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `File not found: ${name}` };
}

function compileStandardJson() {
  const solc = require("@PACKAGE@");
  const source = files.length && files[0] !== "-" ? files[0] : 0;
  const input = JSON.parse(fs.readFileSync(source, "utf8"));
  for (const entry of Object.values(input.sources ?? {})) inlineUrls(entry);
  writeAll(solc.compile(JSON.stringify(input), { import: readImport }));
}

// Native solc reads "urls" from disk; the npm build has no file system.
function inlineUrls(entry) {
  if (entry.content !== undefined) return;
  const found = (entry.urls ?? []).map((url) => readImport(url.replace(/^file:\/\//, ""))).find((r) => r.contents !== undefined);
  if (found) {
    entry.content = found.contents;
    delete entry.urls;
  }
}

// Large outputs go through a pipe: write synchronously, then let node exit by itself.
function writeAll(text) {
  const buffer = Buffer.from(text);
  for (let done = 0; done < buffer.length; ) {
    try {
      done += fs.writeSync(1, buffer, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
