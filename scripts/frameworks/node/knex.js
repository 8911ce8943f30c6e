// Express and Knex over pg, both traced: each query has two spans.
const { trace, untraced } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { KnexInstrumentation } = require('@opentelemetry/instrumentation-knex');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new KnexInstrumentation(), new PgInstrumentation());
const express = require('express');
const knex = require('knex')({ client: 'pg', connection: process.env.DATABASE_URL });

const app = express();
app.get('/books', async function books(request, response) {
  const found = await knex('books').select('id', 'title', 'author_id').orderBy('id');
  for (const book of found) {
    book.author = await knex('authors').where({ id: book.author_id }).first('name');
  }
  response.json(found);
});
app.get('/transfer', async function transfer(request, response) {
  await knex.transaction(async (transaction) => {
    await transaction('authors').where({ id: 1 }).decrement('rating', 1);
    await transaction('authors').where({ id: 2 }).increment('rating', 1);
  });
  response.end();
});
app.get('/duplicate', async function duplicate(request, response) {
  await knex('authors').insert({ id: 1, name: 'somebody' });
  response.end();
});
// The first connection asks for the server's version: that is of no request.
untraced(async () => knex.raw('SELECT 1')).then(() => app.listen(process.env.PORT, '127.0.0.1'));
