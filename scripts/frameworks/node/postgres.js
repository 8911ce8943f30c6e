// Express and pg: errors of the server, pools, transactions, repeated queries.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new PgInstrumentation());
const express = require('express');
const { Pool } = require('pg');

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
const app = express();

app.get('/duplicate', async function duplicate(request, response) {
  await pool.query("INSERT INTO authors (id, name) VALUES (1, 'somebody')");
  response.end();
});
app.get('/caught/:error', async function caught(request, response) {
  const statements = {
    duplicate: "INSERT INTO authors (id, name) VALUES (1, 'somebody')",
    syntax: 'SELEC 1',
    division: 'SELECT 1 / 0',
  };
  try {
    await pool.query(statements[request.params.error]);
  } catch {
    response.status(500);
  }
  response.end();
});
app.get('/first', async function first(request, response) {
  await pool.query('SELECT count(*) FROM books');
  response.end();
});
app.get('/wait', async function wait(request, response) {
  await Promise.all([1, 2, 3, 4].map(() => pool.query('SELECT pg_sleep(0.02)')));
  response.end();
});
app.get('/repeat', async function repeat(request, response) {
  for (let id = 1; id <= 6; id++) {
    await pool.query('SELECT title FROM books WHERE id = $1', [id]);
  }
  response.end();
});
app.get('/transfer', async function transfer(request, response) {
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('UPDATE authors SET rating = rating - 1 WHERE id = $1', [1]);
  await client.query('UPDATE authors SET rating = rating + 1 WHERE id = $1', [2]);
  await client.query(request.query.undo ? 'ROLLBACK' : 'COMMIT');
  client.release();
  response.end();
});
app.get('/lists', async function lists(request, response) {
  for (const ids of [[1], [1, 2], [1, 2, 3, 4]]) {
    const places = ids.map((id, place) => `$${place + 1}`).join(', ');
    await pool.query(`SELECT title FROM books WHERE id IN (${places})`, ids);
  }
  response.end();
});
app.listen(process.env.PORT, '127.0.0.1');
