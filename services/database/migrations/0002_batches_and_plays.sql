-- What ingest did, and what listeners did.

CREATE TABLE ingest_batches (
  -- Chosen by the process that ingests, so that it can repeat a statement whose answer was lost.
  id uuid PRIMARY KEY,
  input text NOT NULL,
  -- running: has begun and not ended. One whose process was killed is marked abandoned by the next ingest.
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'succeeded', 'failed', 'abandoned')),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  duration_seconds double precision CHECK (duration_seconds >= 0),
  files_ok integer,
  files_damaged integer,
  -- Files with the same bytes as another one of the folder: one song.
  files_repeated integer,
  songs_added integer,
  songs_known integer,
  sets_added integer,
  neighbours_added integer,
  error text,
  CHECK ((state = 'running') = (finished_at IS NULL))
);

-- The newest batch that succeeded is what /metrics shows.
CREATE INDEX ingest_batches_by_finish ON ingest_batches (finished_at DESC) WHERE state = 'succeeded';

CREATE TABLE damaged_files (
  path text PRIMARY KEY,
  -- As in songs; a file that could not be read at all has no bytes to hash.
  hash char(32) COLLATE "C" CHECK (hash ~ '^[0-9a-f]{32}$'),
  reason text NOT NULL,
  batch uuid NOT NULL REFERENCES ingest_batches,
  first_seen_at timestamptz NOT NULL DEFAULT now()
);

-- Listening events. The key makes a repeated request find its first answer.
CREATE TABLE plays (
  idempotency_key text PRIMARY KEY CHECK (length(idempotency_key) BETWEEN 1 AND 128),
  id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  song char(32) COLLATE "C" NOT NULL REFERENCES songs,
  listened_at timestamptz NOT NULL,
  -- False when the request left the time out and the service's own clock gave it.
  listened_at_given boolean NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX plays_by_song ON plays (song, listened_at);
