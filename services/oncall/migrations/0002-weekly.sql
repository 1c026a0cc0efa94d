-- What the weekly report counts by, and what it needs beyond the alerts: who acted on them, and what users felt.

-- Labels as columns: a report reads them for each of a million events.
ALTER TABLE alert_instances
  ADD COLUMN lab_group text GENERATED ALWAYS AS (labels ->> 'group') STORED,
  ADD COLUMN service text GENERATED ALWAYS AS (labels ->> 'service') STORED,
  ADD COLUMN zone text GENERATED ALWAYS AS (labels ->> 'zone') STORED,
  ADD COLUMN severity text GENERATED ALWAYS AS (labels ->> 'severity') STORED,
  ADD COLUMN tier text GENERATED ALWAYS AS (labels ->> 'tier') STORED,
  -- Alerts come from outside: what is no level is none.
  ADD COLUMN sev smallint GENERATED ALWAYS AS (
    CASE WHEN labels ->> 'sev' IN ('1', '2', '3', '4') THEN (labels ->> 'sev')::smallint END
  ) STORED;

-- Those that open incidents are few.
CREATE INDEX alert_instances_sev ON alert_instances (lab_group, service) WHERE sev IS NOT NULL;

-- What went on at an instant, however long ago it had begun.
CREATE INDEX alert_events_by_span ON alert_events USING gist (tstzrange(fired_at, ended_at, '[]'));

-- A person or a program acted on an alert. Events are folded anew when a late fact comes, so that `fired_at` names an
-- instant within the event, and is no key of it.
CREATE TABLE alert_actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance char(32) COLLATE "C" NOT NULL REFERENCES alert_instances,
  fired_at timestamptz NOT NULL,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL CHECK (action IN ('acknowledged', 'noted')),
  note text
);

CREATE INDEX alert_actions_by_event ON alert_actions (instance, fired_at);
CREATE INDEX alert_actions_by_fired ON alert_actions (fired_at);

-- Moments at which an indicator had bad events, per second over its window. A moment that was taken and is not here was
-- good.
CREATE TABLE bad_windows (
  slo text NOT NULL,
  lab_group text NOT NULL,
  at timestamptz NOT NULL,
  events_per_second double precision NOT NULL CHECK (events_per_second >= 0),
  bad_per_second double precision NOT NULL CHECK (bad_per_second >= 0),
  PRIMARY KEY (slo, lab_group, at)
);

CREATE INDEX bad_windows_by_time ON bad_windows (at);

-- Stretches in which the indicators were taken.
CREATE TABLE indicator_spans (
  from_at timestamptz PRIMARY KEY,
  to_at timestamptz NOT NULL CHECK (to_at >= from_at)
);
