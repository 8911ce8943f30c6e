"use strict";
// Prints one JSON object a line for each thing that goes wrong: its name, and the error as an SDK would send it.

const fs = require("node:fs");
const { inspect } = require("node:util");
const { Basket, depth, parse, priceOf, total } = require("./orders/pricing.js");
const { any, charge, reserve, withRetry, wrapped } = require("./orders/remote.js");

const number = Number(process.argv[2]);

const bugs = {
  unknown_sku: () => priceOf(`SKU-${number}`),
  unknown_sku_in_total: () => total(["apple", `SKU-${number}`]),
  empty_basket: () => new Basket([]),
  weightless: () => new Basket([number]).weight,
  checked_out: () => new Basket([number]).checkout(number),
  missing_at_any_depth: () => depth(number % 50),
  not_json: () => parse(number),
  no_file: () => fs.readFileSync(`/nowhere/${number}.txt`),
  retried_charge: () => withRetry(charge, number),
  retried_reserve: () => withRetry(reserve, number),
  wrapped_charge: () => wrapped(charge, number),
  wrapped_reserve: () => wrapped(reserve, number),
  neither_charge_nor_reserve: () => any(number),
  in_a_timer: () => new Promise((_, reject) => setTimeout(() => { try { priceOf(number); } catch (e) { reject(e); } }, 1)),
  multi_line_message: () => { throw new TypeError(`first line ${number}\n  at the second\nthird: x`); },
};

async function main() {
  for (const [bug, run] of Object.entries(bugs)) {
    try {
      await run();
    } catch (error) {
      const stack = error.cause || error.errors ? inspect(error, { depth: 5 }) : error.stack;
      console.log(JSON.stringify({ bug, type: error.name, message: error.message, stack }));
    }
  }
}

main();
