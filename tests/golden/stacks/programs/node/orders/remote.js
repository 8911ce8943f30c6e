"use strict";

class PaymentError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = "PaymentError";
  }
}

function charge(number) {
  throw new Error(`card 4000-${number} was declined`);
}

function reserve(number) {
  throw new Error(`no stock for order ${number}`);
}

function withRetry(action, number) {
  for (let attempt = 0; ; attempt++) {
    try {
      return action(number);
    } catch (error) {
      if (attempt === 1) throw error;
    }
  }
}

function wrapped(action, number) {
  try {
    return action(number);
  } catch (error) {
    throw new PaymentError(`order ${number} failed`, { cause: error });
  }
}

async function any(number) {
  const late = async () => charge(number);
  const early = async () => reserve(number);
  return Promise.any(number % 2 ? [late(), early(), early()] : [early(), late()]);
}

module.exports = { any, charge, reserve, withRetry, wrapped };
