// Compares the module in Node with the program: `node tests/node.mjs MODULE MODEL PICTURE PREDICTED.json CHECKSUMS.txt`.
// PREDICTED.json is the output of `fmnist predict --format json` in plain arithmetic. `cargo xtask ci` makes both; Node needs no flags.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [module, model, picture, predicted, sums] = process.argv.slice(2);
const { classify, checksums } = createRequire(import.meta.url)(resolve(module));
const expected = JSON.parse(readFileSync(predicted, "utf8"));
const bytes = { model: readFileSync(model), picture: readFileSync(picture) };

// The most probable class is the same, and so are the probabilities.
const predictions = classify(bytes.model, bytes.picture);
assert.equal(predictions[0].className, expected.label);
const sorted = [...expected.probabilities].sort((a, b) => b - a);
assert.equal(predictions.length, sorted.length);
sorted.forEach((probability, i) => {
  assert.equal(predictions[i].probability, Math.fround(probability), `class ${i}`);
});
const sum = predictions.reduce((sum, p) => sum + p.probability, 0);
assert.ok(Math.abs(sum - 1) < 1e-5, `the probabilities sum to ${sum}`);

// Invalid input gives an Error with its message, and the module still works afterwards.
assert.throws(() => classify(bytes.picture, bytes.picture), /^Error: the model: /);
assert.throws(() => classify(bytes.model, bytes.model), /^Error: the picture: /);
assert.equal(classify(bytes.model, bytes.picture)[0].className, expected.label);

// Training has the bits of plain arithmetic. CHECKSUMS.txt has them in its third column.
const rows = readFileSync(sums, "utf8").trim().split("\n").filter((line) => !line.startsWith("#"));
const published = rows.map((line) => line.split(" ")).map(([name, , plain]) => `${name} ${plain}`);
assert.deepEqual(checksums().sort(), published.sort());

const [{ className, probability }] = predictions;
console.log(`${className} ${probability.toFixed(4)}; ${published.length} runs with the same bits`);
