-- SPDX-License-Identifier: Apache-2.0
-- The roles of a gated MLflow, and its databases. Run by a superuser, or by a role that may create roles and databases, in
-- any database; again after a change.
--
--   psql -X -f roles.sql
--
-- Every name can be set with -v; docs/guides/postgresql.md says what each role is for. Passwords are read from the
-- environment variables below, so that they stand on no command line; without one a password is left as it is. A
-- password may also be a SCRAM verifier ("SCRAM-SHA-256$…"), which PostgreSQL keeps as it is given.
\set ON_ERROR_STOP on
SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user
\gset
\if :super
-- A password is a part of a statement, and the server's own log must not keep it.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\endif

\ir names.sql

\getenv owner_password DB_OWNER_PASSWORD
\getenv tracking_password DB_TRACKING_PASSWORD
\getenv registry_password DB_REGISTRY_PASSWORD
\getenv login_password DB_LOGIN_PASSWORD
\getenv log_password DB_LOG_PASSWORD
\getenv eraser_password DB_ERASER_PASSWORD
\getenv reader_password DB_READER_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY[:'owner', :'tracking', :'registry', :'login', :'log', :'eraser', :'reader']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
SELECT format('ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE NOINHERIT', name)
FROM unnest(ARRAY[:'owner', :'tracking', :'registry', :'login', :'log', :'eraser', :'reader']) AS name
\gexec
-- What only a superuser gives or takes, no new role has. Nobody becomes somebody else.
SELECT format('ALTER ROLE %I NOSUPERUSER NOREPLICATION NOBYPASSRLS', rolname)
FROM pg_roles
WHERE rolname IN (:'owner', :'tracking', :'registry', :'login', :'log', :'eraser', :'reader')
  AND (rolsuper OR rolreplication OR rolbypassrls)
\gexec
SELECT format('REVOKE %I FROM %I', given.rolname, member.rolname)
FROM pg_auth_members
JOIN pg_roles AS given ON given.oid = roleid
JOIN pg_roles AS member ON member.oid = pg_auth_members.member
WHERE member.rolname IN (:'owner', :'tracking', :'registry', :'login', :'log', :'eraser', :'reader')
\gexec
\if :super
\else
-- Who is no superuser makes databases only for an owner whose member it is.
GRANT :"owner" TO CURRENT_USER;
\endif

\if :{?owner_password}
ALTER ROLE :"owner" PASSWORD :'owner_password';
\endif
\if :{?tracking_password}
ALTER ROLE :"tracking" PASSWORD :'tracking_password';
\endif
\if :{?registry_password}
ALTER ROLE :"registry" PASSWORD :'registry_password';
\endif
\if :{?login_password}
ALTER ROLE :"login" PASSWORD :'login_password';
\endif
\if :{?log_password}
ALTER ROLE :"log" PASSWORD :'log_password';
\endif
\if :{?eraser_password}
ALTER ROLE :"eraser" PASSWORD :'eraser_password';
\endif
\if :{?reader_password}
ALTER ROLE :"reader" PASSWORD :'reader_password';
\endif

SELECT format('CREATE DATABASE %I OWNER %I', name, :'owner')
FROM unnest(ARRAY[:'mlflow_database', :'login_database', :'log_database']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

-- Who may connect to which database. The owner comes by owning it.
SELECT DISTINCT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name)
FROM unnest(ARRAY[:'mlflow_database', :'login_database', :'log_database']) AS name
\gexec
GRANT CONNECT ON DATABASE :"mlflow_database" TO :"tracking", :"registry";
GRANT CONNECT ON DATABASE :"login_database" TO :"login";
GRANT CONNECT ON DATABASE :"log_database" TO :"log", :"eraser", :"reader";

-- Before PostgreSQL 15 everybody may make tables in a new database.
\connect :"mlflow_database"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO :"owner";
\connect :"login_database"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO :"owner";
\connect :"log_database"
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO :"owner";
