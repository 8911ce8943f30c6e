// Fastify: errors of handlers, and requests that its own validation refuses.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { FastifyOtelInstrumentation } = require('@fastify/otel');
trace(new HttpInstrumentation(), new FastifyOtelInstrumentation({ registerOnInitialization: true }));
const fastify = require('fastify');

async function chargeCard() {
  throw new TypeError('card has no number');
}

const app = fastify();
app.addHook('preHandler', async function authenticate() {});
app.get('/stock', async function stock() {
  throw new Error('stock is empty');
});
app.get('/charge', async function charge() {
  await chargeCard();
});
app.get('/ship', async function ship() {
  throw new RangeError('parcel is too heavy');
});
const body = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };
app.post('/items', { schema: { body } }, async function items() {
  return {};
});
app.get('/item/:id', async function item() {
  throw Object.assign(new Error('no such item'), { statusCode: 404 });
});
app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
