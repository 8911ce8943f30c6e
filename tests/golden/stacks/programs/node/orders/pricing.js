"use strict";
// What goes wrong, each time with the number it is given.

const prices = { apple: { cents: 20 } };

function priceOf(sku) {
  return prices[sku].cents;
}

const total = (skus) => skus.map((sku) => priceOf(sku)).reduce((a, b) => a + b, 0);

class Basket {
  constructor(lines) {
    if (lines.length === 0) throw new RangeError("an empty basket");
    this.lines = lines;
  }

  get weight() {
    return this.lines[0].weigh();
  }

  async checkout(number) {
    await null;
    throw new Error(`basket ${number} was checked out at ${new Date(number * 1e7).toISOString()}`);
  }
}

function depth(number) {
  return number === 0 ? missing : depth(number - 1); // eslint-disable-line
}

function parse(number) {
  return JSON.parse(`{"number": ${number}`);
}

module.exports = { Basket, depth, parse, priceOf, total };
