-- SPDX-License-Identifier: Apache-2.0
-- Who may do what with the tables of one database. Run by the owner of the tables, in each of the databases, after every
-- `mlflow db upgrade`, upgrade of the login's tables and `qaqpa tables`:
--
--   psql -X -U mlflow_owner -d mlflow -f grants.sql
--
-- A table belongs to a part by its name, and everything is taken away before it is given. So it may be run again at any
-- time, two parts may share a database, and a table that is new since the last run can be written by its owner only.
\set ON_ERROR_STOP on
\ir names.sql

BEGIN;

-- A new table is nobody's but the owner's until this script has seen it.
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC, :"tracking", :"registry", :"login", :"log", :"eraser", :"reader";
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM PUBLIC, :"tracking", :"registry", :"login", :"log", :"eraser", :"reader";

CREATE TEMPORARY TABLE part ON COMMIT DROP AS
SELECT
  tablename AS name,
  CASE
    WHEN tablename LIKE 'alembic\_%' THEN 'version'
    WHEN tablename LIKE 'qaqpa\_log%' THEN 'log'
    WHEN tablename LIKE 'qaqpa\_%' THEN 'gate'
    -- Before the registry: the login has had tables such as registered_model_permissions.
    WHEN tablename IN ('users', 'roles') OR tablename LIKE 'user\_%' OR tablename LIKE '%permission%' THEN 'login'
    WHEN tablename LIKE 'registered\_model%' OR tablename LIKE 'model\_version%' OR tablename LIKE 'webhook%' THEN 'registry'
    WHEN tablename = 'workspaces' THEN 'registry'
    ELSE 'tracking'
  END AS part
FROM pg_tables
WHERE schemaname = 'public' AND tableowner = current_user;

-- What each role may do with each part. What is not listed, nobody may do.
CREATE TEMPORARY TABLE allowed ON COMMIT DROP AS
SELECT *
FROM (
  VALUES
    (:'tracking', 'tracking', '%', 'SELECT, INSERT, UPDATE, DELETE'),
    (:'tracking', 'registry', '%', 'SELECT'),
    (:'tracking', 'version', '%', 'SELECT'),
    (:'registry', 'registry', '%', 'SELECT, INSERT, UPDATE, DELETE'),
    (:'registry', 'gate', '%', 'SELECT, INSERT, UPDATE, DELETE'),
    -- Evidence is added to and never taken away; an envelope gets more signatures.
    (:'registry', 'gate', 'qaqpa\_envelopes', 'SELECT, INSERT, UPDATE'),
    (:'registry', 'gate', 'qaqpa\_envelope\_subjects', 'SELECT, INSERT'),
    -- Deleting a workspace changes what lies in it.
    (:'registry', 'tracking', '%', CASE WHEN :'workspaces' = 'on' THEN 'SELECT, UPDATE, DELETE' ELSE 'SELECT' END),
    (:'registry', 'version', '%', 'SELECT'),
    (:'login', 'login', '%', 'SELECT, INSERT, UPDATE, DELETE'),
    (:'login', 'version', '%', 'SELECT'),
    (:'log', 'log', '%', 'SELECT, INSERT'),
    (:'eraser', 'log', '%', 'SELECT, INSERT'),
    (:'eraser', 'log', 'qaqpa\_log\_content', 'SELECT, INSERT, UPDATE'),
    (:'reader', 'log', '%', 'SELECT')
) AS rules (role, part, tables, privileges);

SELECT format('REVOKE ALL ON TABLE public.%I FROM PUBLIC, %I, %I, %I, %I, %I, %I', name, :'tracking', :'registry', :'login', :'log', :'eraser', :'reader')
FROM part
\gexec
-- The rule with the longest pattern is the one about a table.
SELECT format('GRANT %s ON TABLE public.%I TO %I', rule.privileges, part.name, rule.role)
FROM part
CROSS JOIN LATERAL (
  SELECT DISTINCT ON (role) role, privileges
  FROM allowed
  WHERE allowed.part = part.part AND part.name LIKE allowed.tables
  ORDER BY role, length(tables) DESC
) AS rule
\gexec

-- Whoever may insert rows may take their numbers.
SELECT format('REVOKE ALL ON SEQUENCE public.%I FROM PUBLIC, %I, %I, %I, %I, %I, %I', relname, :'tracking', :'registry', :'login', :'log', :'eraser', :'reader')
FROM pg_class
WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace AND pg_get_userbyid(relowner) = current_user
\gexec
SELECT format('GRANT USAGE ON SEQUENCE public.%I TO %I', sequence.relname, role)
FROM pg_class AS sequence
JOIN pg_depend AS depends ON depends.objid = sequence.oid AND depends.deptype IN ('a', 'i') AND depends.classid = 'pg_class'::regclass
JOIN pg_class AS owning ON owning.oid = depends.refobjid
CROSS JOIN unnest(ARRAY[:'tracking', :'registry', :'login', :'log', :'eraser']) AS role
WHERE sequence.relkind = 'S' AND sequence.relnamespace = 'public'::regnamespace AND has_table_privilege(role, owning.oid, 'INSERT')
\gexec

COMMIT;

-- Told in the end: what somebody else owns was left as it is.
SELECT format('%I belongs to %I and was left as it is', tablename, tableowner) AS "not granted"
FROM pg_tables
WHERE schemaname = 'public' AND tableowner <> current_user;
