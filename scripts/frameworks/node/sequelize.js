// Express and Sequelize over pg, both traced.
const { trace, untraced } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { SequelizeInstrumentation } = require('@opentelemetry/instrumentation-sequelize');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
trace(new HttpInstrumentation(), new ExpressInstrumentation(), new SequelizeInstrumentation(), new PgInstrumentation());
const express = require('express');
const { Sequelize, DataTypes } = require('sequelize');

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
const Author = sequelize.define('author', { name: DataTypes.TEXT, rating: DataTypes.INTEGER }, { timestamps: false });
const Book = sequelize.define('book', { title: DataTypes.TEXT }, { timestamps: false });
Book.belongsTo(Author, { foreignKey: 'author_id' });

const app = express();
app.get('/books', async function books(request, response) {
  const found = await Book.findAll({ order: ['id'] });
  const names = [];
  for (const book of found) {
    names.push((await book.getAuthor()).name);
  }
  response.json(names);
});
app.get('/two-tables', async function twoTables(request, response) {
  response.json([await Author.findByPk(1), await Book.findByPk(1)]);
});
app.get('/transfer', async function transfer(request, response) {
  await sequelize.transaction(async (transaction) => {
    await Author.decrement('rating', { where: { id: 1 }, transaction });
    await Author.increment('rating', { where: { id: 2 }, transaction });
  });
  response.end();
});
// The first connection asks for the server's version and settings: that is of no request.
untraced(() => sequelize.authenticate()).then(() => app.listen(process.env.PORT, '127.0.0.1'));
