"""What PostgREST makes of a request: SQL, run as the role of the key."""

import json

from psycopg import sql

from tests.standins.postgrest.keys import Refusal

OPERATORS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike"}
RESERVED = {"select", "order", "limit", "offset", "on_conflict", "columns"}
ARGUMENTS = """
select p.proargnames[1:p.pronargs], p.proargtypes::regtype[]::text[], p.pronargdefaults, p.prorettype::regtype::text
from pg_proc p join pg_namespace n on n.oid = pronamespace where n.nspname = 'public' and proname = %s"""


def call(cursor, name, given):
    """Call a function by its named arguments."""
    for names, types, defaults, returns in cursor.execute(ARGUMENTS, (name,)).fetchall():
        known = names or []
        if not set(known[: len(known) - defaults]) <= set(given) <= set(known):
            continue
        kinds = dict(zip(known, types, strict=False))
        words = [sql.SQL("{} => %s::text::{}").format(sql.Identifier(key), sql.SQL(kinds[key])) for key in given]
        query = sql.SQL("select to_json({}({}))::text").format(
            sql.Identifier("public", name), sql.SQL(", ").join(words)
        )
        cursor.execute(query, [_argument(value, kinds[key]) for key, value in given.items()])
        answer = cursor.fetchone()[0]
        return (204, b"") if returns == "void" else (200, (answer or "null").encode())
    told = ", ".join(sorted(given))
    raise Refusal(404, "PGRST202", f"Could not find the function public.{name}({told}) in the schema cache")


def read(cursor, table, parameters):
    """Select rows of a table."""
    asked = dict(parameters)
    columns = _columns(asked.get("select", "*"))
    condition, values = _where(parameters)
    query = sql.SQL("select {} from {}").format(columns, sql.Identifier("public", table)) + condition
    if "order" in asked:
        query += sql.SQL(" order by ") + sql.SQL(", ").join(map(_order, asked["order"].split(",")))
    if "limit" in asked:
        query += sql.SQL(" limit {}").format(sql.Literal(int(asked["limit"])))
    return 200, _rows(cursor, query, values)


def insert(cursor, table, body):
    """Insert rows."""
    rows = body if isinstance(body, list) else [body]
    names = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    place = sql.Identifier("public", table)
    query = sql.SQL("insert into {} ({}) select {} from json_populate_recordset(null::{}, %s::json)")
    cursor.execute(query.format(place, names, names, place), [json.dumps(rows)])
    return 201, b""


def change(cursor, table, parameters, body):
    """Update rows."""
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(key)) for key in body)
    condition, values = _where(parameters)
    query = sql.SQL("update {} set {}").format(sql.Identifier("public", table), changes) + condition
    given = [json.dumps(value) if isinstance(value, dict | list) else value for value in body.values()]
    cursor.execute(query, given + values)
    return 204, b""


def remove(cursor, table, parameters):
    """Delete rows."""
    condition, values = _where(parameters)
    cursor.execute(sql.SQL("delete from {}").format(sql.Identifier("public", table)) + condition, values)
    return 204, b""


def _rows(cursor, query, values):
    whole = sql.SQL("with x as ({}) select coalesce(json_agg(x), '[]')::text from x").format(query)
    return cursor.execute(whole, values).fetchone()[0].encode()


def _argument(value, kind):
    if value is None or (isinstance(value, str) and kind not in {"json", "jsonb"}):
        return value
    return json.dumps(value)


def _columns(text):
    return sql.SQL("*") if text == "*" else sql.SQL(", ").join(sql.Identifier(one.strip()) for one in text.split(","))


def _order(text):
    name, _, rest = text.partition(".")
    return sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL("desc" if "desc" in rest else "asc"))


def _where(parameters):
    found, values = [], []
    for name, text in parameters:
        if name in RESERVED:
            continue
        operator, _, value = text.partition(".")
        column = sql.Identifier(name)
        if operator == "in":
            found.append(sql.SQL("{}::text = any(%s)").format(column))
            values.append([one.strip('"') for one in value.strip("()").split(",")])
        elif operator == "is" and value in {"null", "true", "false"}:
            found.append(sql.SQL("{} is {}").format(column, sql.SQL(value)))
        elif operator in OPERATORS:
            found.append(sql.SQL("{} {} %s").format(column, sql.SQL(OPERATORS[operator])))
            values.append(value.replace("*", "%") if "like" in operator else value)
        else:
            raise Refusal(400, "PGRST100", f'"failed to parse filter ({text})" (line 1, column 1)')
    return (sql.SQL(" where ") + sql.SQL(" and ").join(found) if found else sql.SQL("")), values
