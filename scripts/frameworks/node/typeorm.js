// Express and TypeORM over pg, both traced.
const { trace, untraced } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { TypeormInstrumentation } = require('@opentelemetry/instrumentation-typeorm');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new TypeormInstrumentation(), new PgInstrumentation());
const express = require('express');
const { DataSource, EntitySchema } = require('typeorm');

const Author = new EntitySchema({
  name: 'Author',
  tableName: 'authors',
  columns: { id: { type: Number, primary: true }, name: { type: String } },
});
const Book = new EntitySchema({
  name: 'Book',
  tableName: 'books',
  columns: { id: { type: Number, primary: true }, title: { type: String }, author_id: { type: Number } },
});
const source = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, entities: [Author, Book] });

const app = express();
app.get('/books', async function books(request, response) {
  const found = await source.getRepository(Book).find({ order: { id: 'ASC' } });
  for (const book of found) {
    book.author = await source.getRepository(Author).findOneBy({ id: book.author_id });
  }
  response.json(found);
});
app.get('/count', async function count(request, response) {
  response.json(await source.getRepository(Book).count());
});
// The first connection asks for the server's version: that is of no request.
untraced(() => source.initialize()).then(() => app.listen(process.env.PORT, '127.0.0.1'));
