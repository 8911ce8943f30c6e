// Express and ioredis: pipelines, scripts, a command again and again.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { IORedisInstrumentation } = require('@opentelemetry/instrumentation-ioredis');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new IORedisInstrumentation());
const express = require('express');
const Redis = require('ioredis');

const UNLOCK = `if redis.call('get', KEYS[1]) == ARGV[1] then
  return redis.call('del', KEYS[1])
end
return 0`;
const redis = new Redis(process.env.REDIS_URL);
const app = express();
app.get('/pipeline', async function pipeline(request, response) {
  await redis.pipeline().set('a', 1).set('b', 2).get('a').exec();
  response.end();
});
app.get('/script', async function script(request, response) {
  await redis.set('lock', 'token');
  await redis.eval(UNLOCK, 1, 'lock', 'token');
  await redis.eval('return {1, 2}', 0);
  response.end();
});
app.get('/repeat', async function repeat(request, response) {
  for (let id = 0; id < 12; id++) {
    await redis.get(`item:${id}`);
  }
  response.end();
});
app.get('/wrong', async function wrong(request, response) {
  await redis.lpush('a', 'x');
  await redis.incr('a');
  response.end();
});
redis.once('ready', () => app.listen(process.env.PORT, '127.0.0.1'));
