-- Who may do what. Roles are shared by all databases of the server, so they may be there already.
-- Passwords are set at run time by pipeline.migrate; nobody can log in before.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'recommender') THEN
    CREATE ROLE recommender NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ingest') THEN
    CREATE ROLE ingest NOLOGIN;
  END IF;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO recommender, ingest;

GRANT SELECT ON instruments, instrument_sets, songs, song_instruments, set_neighbours, similar_songs, ingest_batches, plays
  TO recommender;
GRANT INSERT (idempotency_key, song, listened_at, listened_at_given) ON plays TO recommender;

GRANT SELECT ON instruments, instrument_sets, songs, song_instruments, set_neighbours, similar_songs TO ingest;
GRANT UPDATE (song_count) ON instruments TO ingest;
GRANT INSERT (members) ON instrument_sets TO ingest;
GRANT INSERT (hash, name, byte_count, instrument_set) ON songs TO ingest;
GRANT INSERT ON song_instruments, set_neighbours TO ingest;
GRANT SELECT, INSERT, UPDATE ON ingest_batches TO ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON damaged_files TO ingest;
-- Staging tables are temporary.
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ingest', current_database()); END $$;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
