"""Statements in the dialects of drivers and mappers that are no Python: each line of texts is one query.

They ask the same tables. A list has two values at least and a batch two rows; see the exceptions of the test for those.
"""

from collections.abc import Mapping, Sequence

Queries = Sequence[Sequence[str]]

BY_DRIVER: Mapping[str, Queries] = {
    "asyncpg": [
        ["SELECT id FROM items WHERE id = ANY($1::int[])"],
        ["SELECT id FROM items WHERE id IN ($1, $2)", "SELECT id FROM items WHERE id IN ($1, $2, $3, $4)"],
        ["SELECT id FROM items WHERE name = $1 AND stock > $2"],
        ["INSERT INTO items(id, name) VALUES($1, $2) RETURNING id"],
        ["UPDATE items SET stock = stock - $2 WHERE id = $1"],
        ["UPDATE items SET stock = stock + $2 WHERE id = $1"],
    ],
    "psycopg": [
        [
            "SELECT id FROM items WHERE id = %s",
            "SELECT id FROM items WHERE id = %(id)s",
            "SELECT id FROM items WHERE id = %b",
        ],
        ["SELECT id FROM items WHERE id IN (%s,%s)", "SELECT id FROM items WHERE id IN (%(a)s,%(b)s,%(c)s)"],
        ["SELECT id FROM items WHERE name LIKE %s ESCAPE '!'"],
        ["SELECT name FROM items WHERE id = %s::int LIMIT %s"],
        ["INSERT INTO items (id, name) VALUES (%s, %s),(%s, %s)"],
    ],
    "Npgsql": [
        [
            "SELECT id FROM items WHERE id = @id",
            "SELECT id FROM items WHERE id = @p0",
            "SELECT id FROM items WHERE id = $1",
        ],
        ["SELECT id FROM items WHERE id IN (@p0,@p1)", "SELECT id FROM items WHERE id IN (@p0,@p1,@p2)"],
        ["SELECT id FROM items WHERE name = :name AND stock = :stock"],
        ["INSERT INTO items (id, name) VALUES (@p0, @p1)"],
    ],
    "EF Core": [
        [
            'SELECT i."id", i."name" FROM "items" AS i WHERE i."name" = @__name_0',
            'SELECT i."id", i."name" FROM "items" AS i WHERE i."name" = @__city_1',
            'SELECT i."id", i."name" FROM "items" AS i WHERE i."name" = \'it\'\'s\'',
        ],
        [
            'SELECT i."id" FROM "items" AS i WHERE i."id" IN (1, 2)',
            'SELECT i."id" FROM "items" AS i WHERE i."id" IN (1, 2, 3, 4, 5)',
            'SELECT i."id" FROM "items" AS i WHERE i."id" IN (@__ids_0, @__ids_1, @__ids_2)',
        ],
        ['SELECT i."id" FROM "items" AS i ORDER BY i."name" LIMIT @__p_1 OFFSET @__p_0'],
        ['UPDATE "items" SET "name" = @p0 WHERE "id" = @p1 RETURNING 1'],
        ['-- tagged by the report\n\nSELECT count(*)::int FROM "items" AS i WHERE i."stock" > 10'],
    ],
    "Dapper": [
        ["SELECT id FROM items WHERE id IN (@ids1,@ids2)", "SELECT id FROM items WHERE id IN (@ids1,@ids2,@ids3)"],
        ["SELECT id FROM items WHERE name=@Name and stock>@Stock"],
        ["SELECT id FROM items WHERE stock={=stock}"],
    ],
    "JDBC": [
        [
            "SELECT id FROM items WHERE id IN (?,?)",
            "SELECT id FROM items WHERE id IN (?,?,?)",
            "SELECT id FROM items WHERE id IN (?, ?)",
            "SELECT id FROM items WHERE id IN (CAST(? AS INT),CAST(? AS INT))",
        ],
        ["select id from items where name = ? and stock between ? and ?"],
        ["SELECT id FROM items WHERE name = ANY(ARRAY[?, ?])", "SELECT id FROM items WHERE name = ANY(ARRAY[?, ?, ?])"],
        [
            "SELECT id FROM items WHERE name = #{name}",
            "SELECT id FROM items WHERE name = #{filter.names[0],jdbcType=VARCHAR}",
        ],
        ["SELECT id FROM items WHERE stock = ${stock}", "SELECT id FROM items WHERE stock = ${1}"],
    ],
    "Hibernate": [
        [
            "select i1_0.id,i1_0.name from items i1_0 where i1_0.id=?",
            "select i1_0.id,i1_0.name from items i1_0 where i1_0.id=?1",
        ],
        [
            "select i1_0.id from items i1_0 where i1_0.id in (?,?)",
            "select i1_0.id from items i1_0 where i1_0.id in (?,?,?,?)",
            "/* load shop.Item */ select i1_0.id from items i1_0 where i1_0.id in (:a,:b)",
        ],
        ["select i1_0.id from items i1_0 order by i1_0.name offset ? rows fetch first ? rows only"],
        ["insert into items (name,stock,id) values (?,?,?)"],
    ],
    "ActiveRecord": [
        [
            'SELECT "items".* FROM "items" WHERE "items"."id" = $1 LIMIT $2',
            'SELECT "items".* FROM "items" WHERE "items"."id" = $1 LIMIT $2 /*application:Shop,controller:items*/',
        ],
        [
            'SELECT "items".* FROM "items" WHERE "items"."id" IN ($1, $2)',
            'SELECT "items".* FROM "items" WHERE "items"."id" IN (1, 2, 3)',
        ],
        ['SELECT 1 AS one FROM "items" WHERE "items"."name" = $1 LIMIT $2'],
        [
            'SELECT COUNT(*) FROM "items" WHERE "items"."active" = TRUE',
            'SELECT COUNT(*) FROM "items" WHERE "items"."active" = FALSE',
        ],
        ['UPDATE "items" SET "stock" = COALESCE("stock", 0) + 1 WHERE "items"."id" = 7'],
        ['UPDATE "items" SET "stock" = COALESCE("stock", 0) - 1 WHERE "items"."id" = 7'],
    ],
    "Prisma": [
        [
            'SELECT "public"."items"."id" FROM "public"."items" WHERE "public"."items"."id" IN ($1,$2) OFFSET $3',
            'SELECT "public"."items"."id" FROM "public"."items" WHERE "public"."items"."id" IN ($1,$2,$3,$4) OFFSET $5',
        ],
        ['SELECT "t0"."id" FROM "public"."items" AS "t0" WHERE ("t0"."name" = $1 AND 1=1) LIMIT $2 /* x=\'00-1\' */'],
        ['INSERT INTO "public"."items" ("id","name") VALUES ($1,$2) RETURNING "public"."items"."id"'],
    ],
    "TypeORM": [
        [
            'SELECT "i"."id" AS "i_id" FROM "items" "i" WHERE "i"."id" = $1',
            'SELECT "i"."id" AS "i_id" FROM "items" "i" WHERE "i"."id" = :id',
        ],
        [
            'SELECT "i"."id" AS "i_id" FROM "items" "i" WHERE "i"."id" IN ($1, $2)',
            'SELECT "i"."id" AS "i_id" FROM "items" "i" WHERE "i"."id" IN (:a, :b, :c)',
        ],
        ['INSERT INTO "items"("id", "name") VALUES ($1, $2)'],
        [
            'SELECT "i"."id" AS "i_id" FROM "items" "i" ORDER BY "i"."id" ASC LIMIT 7',
            'SELECT "i"."id" AS "i_id" FROM "items" "i" ORDER BY "i"."id" ASC LIMIT 20',
        ],
    ],
    "Sequelize": [
        [
            'SELECT "id", "name" FROM "items" AS "item" WHERE "item"."id" = 1;',
            'SELECT "id", "name" FROM "items" AS "item" WHERE "item"."id" = 4711;',
            'SELECT "id", "name" FROM "items" AS "item" WHERE "item"."id" = -1;',
        ],
        ['SELECT "id", "name" FROM "orders" AS "order" WHERE "order"."id" = 1;'],
        [
            'SELECT "id" FROM "items" AS "item" WHERE "item"."name" IN (\'a\', \'it\'\'s\');',
            'SELECT "id" FROM "items" AS "item" WHERE "item"."name" IN (\'a\', \'b\', \'c\');',
        ],
        ['UPDATE "items" SET "name"=$1 WHERE "id" = $2', 'UPDATE "items" SET "name"=$1 WHERE "id" = $2;'],
        [
            'SELECT "id" FROM "items" AS "item" WHERE "item"."active" = true;',
            'SELECT "id" FROM "items" AS "item" WHERE "item"."active" = false;',
        ],
        ['SELECT "id" FROM "items" AS "item" WHERE "item"."name" IS NULL;'],
        ['SELECT "id" FROM "items" AS "item" WHERE "item"."name" IS NOT NULL;'],
    ],
    "pgx": [
        [
            "-- name: GetItem :one\nSELECT id, name FROM items WHERE id = $1",
            "SELECT id, name FROM items WHERE id = @id",
        ],
        ["SELECT id FROM items WHERE id = any($1)"],
        [
            "SELECT id FROM items WHERE price = 1.5",
            "SELECT id FROM items WHERE price = 25.75",
            "SELECT id FROM items WHERE price = -2.5",
        ],
        [
            "SELECT id FROM items WHERE name = E'a\\'b'",
            "SELECT id FROM items WHERE name = $$it's$$",
            "SELECT id FROM items WHERE name = U&'d\\0061t'",
        ],
        ["/* a /* b */ c */ SELECT id FROM items WHERE stock = 0x1F", "SELECT id FROM items WHERE stock = 1_000"],
    ],
}
