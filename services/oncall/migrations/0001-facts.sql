-- What oncall was told, and what it made of it.
--
--   alert_facts (append-only) -> alert_rows -> alert_events        alert_notifications -> alert_events
--   run_entries -> runs          error_events -> error_groups      telemetry_spans: when there was somebody to be told
--
-- `*_at` is the clock of who told it, `received_at` is oncall's own.

CREATE TABLE alert_instances (
  instance char(32) COLLATE "C" PRIMARY KEY CHECK (instance ~ '^[0-9a-f]{32}$'),
  name text NOT NULL,
  labels jsonb NOT NULL,
  annotations jsonb NOT NULL,
  generator_url text
);

CREATE TABLE alert_facts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance char(32) COLLATE "C" NOT NULL REFERENCES alert_instances,
  kind text NOT NULL CHECK (kind IN ('firing', 'resolved')),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  -- The instant the fact speaks of: the evaluation at which it fired, or resolved.
  source_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  -- Prometheus' clock minus oncall's when it was received, milliseconds; null: not known.
  offset_ms double precision,
  labels jsonb NOT NULL,
  annotations jsonb NOT NULL
);

CREATE INDEX alert_facts_by_time ON alert_facts (received_at);
CREATE INDEX alert_facts_by_instance ON alert_facts (instance, starts_at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER alert_facts_append_only BEFORE UPDATE ON alert_facts
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE alert_rows (
  instance char(32) COLLATE "C" NOT NULL REFERENCES alert_instances,
  starts_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  valid_until timestamptz NOT NULL,
  resolved_at timestamptz,
  first_received_at timestamptz NOT NULL,
  last_received_at timestamptz NOT NULL,
  PRIMARY KEY (instance, starts_at)
);

CREATE TABLE alert_notifications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance char(32) COLLATE "C" NOT NULL,
  starts_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  receiver text NOT NULL
);

CREATE INDEX alert_notifications_by_instance ON alert_notifications (instance, starts_at);

CREATE TABLE alert_events (
  instance char(32) COLLATE "C" NOT NULL REFERENCES alert_instances,
  fired_at timestamptz NOT NULL,
  -- null while it fires.
  ended_at timestamptz,
  state text NOT NULL CHECK (state IN ('firing', 'resolved', 'expired', 'unknown')),
  valid_until timestamptz NOT NULL,
  firing_ms double precision NOT NULL CHECK (firing_ms >= 0),
  flap_count integer NOT NULL CHECK (flap_count >= 0),
  clock_suspect boolean NOT NULL,
  received_at timestamptz NOT NULL,
  -- When Alertmanager first told a person.
  notified_at timestamptz,
  PRIMARY KEY (instance, fired_at),
  CHECK ((ended_at IS NULL) = (state = 'firing'))
);

CREATE INDEX alert_events_by_time ON alert_events (fired_at DESC);
CREATE INDEX alert_events_firing ON alert_events (valid_until) WHERE state = 'firing';

-- Stretches without a gap in which a source was there: `recorder` is oncall itself, `prometheus` answered it.
CREATE TABLE telemetry_spans (
  source text NOT NULL CHECK (source IN ('recorder', 'prometheus')),
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL CHECK (to_at >= from_at),
  PRIMARY KEY (source, from_at)
);

CREATE TABLE error_groups (
  fingerprint char(32) COLLATE "C" PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{32}$'),
  title text NOT NULL,
  culprit text NOT NULL,
  level text NOT NULL,
  service text,
  lab_groups text[] NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  -- All that ever came, also those whose details are gone.
  event_count bigint NOT NULL CHECK (event_count > 0)
);

CREATE INDEX error_groups_by_time ON error_groups (last_at DESC);

CREATE TABLE error_events (
  event_id char(32) COLLATE "C" PRIMARY KEY CHECK (event_id ~ '^[0-9a-f]{32}$'),
  fingerprint char(32) COLLATE "C" NOT NULL REFERENCES error_groups ON DELETE CASCADE,
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  trace_id char(32) COLLATE "C",
  body jsonb NOT NULL
);

CREATE INDEX error_events_by_group ON error_events (fingerprint, received_at DESC, event_id);
CREATE INDEX error_events_by_trace ON error_events (trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX error_events_by_time ON error_events (received_at);

CREATE TABLE runs (
  run_id text COLLATE "C" PRIMARY KEY,
  opened_at timestamptz NOT NULL,
  -- When its runner was last heard of, oncall's clock.
  heard_at timestamptz NOT NULL,
  -- Whether the journal has come to its end.
  is_over boolean NOT NULL,
  -- The abort rule's evidence as last told.
  abort jsonb
);

CREATE INDEX runs_by_time ON runs (opened_at DESC);
CREATE INDEX runs_open ON runs (heard_at) WHERE NOT is_over;

CREATE TABLE run_entries (
  run_id text COLLATE "C" NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq integer NOT NULL CHECK (seq >= 0),
  received_at timestamptz NOT NULL,
  entry jsonb NOT NULL,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE run_reports (
  run_id text COLLATE "C" PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  received_at timestamptz NOT NULL,
  html text NOT NULL
);

-- Who halted and who released, and who signed in.
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  detail jsonb NOT NULL
);
