// Express without a database: what becomes of an error that a handler throws.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
trace(new HttpInstrumentation(), new ExpressInstrumentation());
const express = require('express');
const createError = require('http-errors');

class OutOfStock extends Error {
  name = 'OutOfStock';
}

function placeOrder() {
  throw new OutOfStock('nothing left of this item');
}

const app = express();
app.use(express.json());
app.use(function authenticate(request, response, next) {
  request.user = 'someone';
  next();
});

const orders = express.Router();
orders.use(function audit(request, response, next) {
  next();
});
orders.post('/:id', async function order(request, response) {
  placeOrder();
  response.end();
});
app.use('/orders', orders);

app.get('/a', () => {
  throw new Error('stock is empty');
});
app.get('/b', () => {
  throw new Error('card was declined');
});
app.get('/c', () => {
  throw new Error('address is unknown');
});
app.get('/item/:id', (request, response, next) => next(createError(404, 'no such item')));
app.post('/echo', (request, response) => response.json(request.body));
app.listen(process.env.PORT, '127.0.0.1');
