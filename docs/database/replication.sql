-- A role for standbys, the way in for it, and the wait for what it has; compose.yaml runs this once, in a new volume of its fleet.
--
-- On a server of your own the line belongs into its pg_hba.conf, with hostssl and the standby's address.

\set ON_ERROR_STOP on
\getenv standby_password STANDBY_PASSWORD

DO $$ BEGIN
  PERFORM set_config('log_statement', 'none', false);
  PERFORM set_config('log_min_error_statement', 'panic', false);
  PERFORM set_config('log_min_duration_statement', '-1', false);
END $$;

-- From the next start on nothing is acknowledged that the standby does not have: without it, writes wait.
ALTER SYSTEM SET synchronous_standby_names = 'standby';

CREATE ROLE booking_standby LOGIN REPLICATION PASSWORD :'standby_password';
\! echo 'host replication booking_standby all scram-sha-256' >> "$PGDATA/pg_hba.conf"
