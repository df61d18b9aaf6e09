// Compares the module in Node with the program: `node tests/node.mjs MODULE MODEL PICTURE PREDICTED.json`. PREDICTED.json is
// the output of `fmnist predict --format json`. `cargo xtask ci` makes both; Node needs no flags.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [module, model, picture, predicted] = process.argv.slice(2);
const { classify, trainLosses } = createRequire(import.meta.url)(resolve(module));
const expected = JSON.parse(readFileSync(predicted, "utf8"));
const bytes = { model: readFileSync(model), picture: readFileSync(picture) };

// The most probable class is the same, and the probabilities are nearly the same.
const predictions = classify(bytes.model, bytes.picture);
assert.equal(predictions[0].className, expected.label);
const sorted = [...expected.probabilities].sort((a, b) => b - a);
assert.equal(predictions.length, sorted.length);
sorted.forEach((probability, i) => {
  assert.ok(Math.abs(predictions[i].probability - probability) < 1e-5, `class ${i}`);
});
const sum = predictions.reduce((sum, p) => sum + p.probability, 0);
assert.ok(Math.abs(sum - 1) < 1e-5, `the probabilities sum to ${sum}`);

// Invalid input gives an Error with its message, and the module still works afterwards.
assert.throws(() => classify(bytes.picture, bytes.picture), /^Error: the model: /);
assert.throws(() => classify(bytes.model, bytes.model), /^Error: the picture: /);
assert.equal(classify(bytes.model, bytes.picture)[0].className, expected.label);

// Training on one thread works.
const losses = trainLosses(20);
assert.equal(losses.length, 20);
assert.ok(losses.at(-1) < 0.1 * losses[0], `the loss falls: ${losses}`);

const [{ className, probability }] = predictions;
console.log(`${className} ${probability.toFixed(4)}; loss ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}`);
