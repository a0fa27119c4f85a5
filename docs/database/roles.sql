-- Two roles: one owns the tables and changes them, the other only works with the rows.
--
-- compose.yaml runs this once, in a new database. On a server of your own, as its administrator, in
-- the empty database of the API (a database that the API uses alone):
--
--   OWNER_PASSWORD=… API_PASSWORD=… psql --file=docs/database/roles.sql booking
--
-- Then `booking-system migrate` with both addresses, `serve` with the second one alone:
--
--   BOOKING_MIGRATION_URL=postgresql://booking_owner:…@host:5432/booking?sslmode=verify-full
--   BOOKING_DATABASE_URL=postgresql://booking_api:…@host:5432/booking?sslmode=verify-full

\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv api_password API_PASSWORD

-- Passwords shall not stand in the server's log, where we may say what that keeps.
DO $$ BEGIN
  PERFORM set_config('log_statement', 'none', false);
  PERFORM set_config('log_min_error_statement', 'panic', false);
  PERFORM set_config('log_min_duration_statement', '-1', false);
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;

CREATE ROLE booking_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE booking_api LOGIN PASSWORD :'api_password';

-- For each session of the API, by whichever way it comes: behind a pooler in transaction mode nobody else can say so.
ALTER ROLE booking_api SET statement_timeout = '2500';
ALTER ROLE booking_api SET lock_timeout = '1000';
ALTER ROLE booking_api SET idle_in_transaction_session_timeout = '5000';
ALTER ROLE booking_api SET jit = 'off';
ALTER ROLE booking_api SET random_page_cost = '1.1';
ALTER ROLE booking_api SET plan_cache_mode = 'force_generic_plan';

-- Only for this script: who is no superuser changes what is theirs.
GRANT booking_owner TO CURRENT_USER;

-- Who owns the database owns its schema `public` and may add the extensions.
ALTER DATABASE :"DBNAME" OWNER TO booking_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO booking_api;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO booking_api;

-- What migrations make from now on.
ALTER DEFAULT PRIVILEGES FOR ROLE booking_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO booking_api;
ALTER DEFAULT PRIVILEGES FOR ROLE booking_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO booking_api;

REVOKE booking_owner FROM CURRENT_USER;
