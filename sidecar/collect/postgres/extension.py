"""Finding the functions of extensions, which may be in any schema."""

# What has the name must be the extension's own function, not somebody's that we would run with our rights.
_SCHEMA_OF = """
SELECT pg_catalog.quote_ident(n.nspname) AS schema
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
                             AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_catalog.pg_proc p ON p.oid = d.objid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE e.extname = '{extension}' AND p.proname = '{function}' AND oidvectortypes(p.proargtypes) = '{arguments}'
   AND has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE')
"""


def schema_of(extension: str, function: str, arguments: str) -> str:
    """Return SQL for the schema, quoted, of a `function` that takes `arguments`, as Postgres writes their types.

    It has no row unless the function is the extension's and the role may call it. To call it with the schema and
    arguments of exactly these types is safe: no other function can fit better.
    """
    return _SCHEMA_OF.format(extension=extension, function=function, arguments=arguments)
