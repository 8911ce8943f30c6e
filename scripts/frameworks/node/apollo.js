// Apollo Server on Express: resolvers that ask for each book's author, and one that fails.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { GraphQLInstrumentation } = require('@opentelemetry/instrumentation-graphql');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
const graphql = new GraphQLInstrumentation({ ignoreTrivialResolveSpans: true });
trace(new HttpInstrumentation(), new ExpressInstrumentation(), graphql, new PgInstrumentation());
const { ApolloServer } = require('@apollo/server');
const { expressMiddleware } = require('@as-integrations/express5');
const express = require('express');
const { Pool } = require('pg');

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
const typeDefs = `
  type Author { name: String }
  type Book { id: ID, title: String, author: Author, price: Int }
  type Query { books: [Book], cheapest: Book }
`;

async function authorOf(book) {
  const found = await pool.query('SELECT name FROM authors WHERE id = $1', [book.author_id]);
  return found.rows[0];
}

function priceOf() {
  throw new Error('price list is not loaded');
}

const resolvers = {
  Query: {
    books: async () => (await pool.query('SELECT id, title, author_id FROM books ORDER BY id')).rows,
    cheapest: () => ({ id: 1, title: 'One' }),
  },
  Book: { author: authorOf, price: priceOf },
};
const server = new ApolloServer({ typeDefs, resolvers });
server.start().then(() => {
  const app = express();
  app.use('/graphql', express.json(), expressMiddleware(server));
  app.listen(process.env.PORT, '127.0.0.1');
});
