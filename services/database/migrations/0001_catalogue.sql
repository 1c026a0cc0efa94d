-- The catalogue: instruments, songs, which instruments a song has, which sets of instruments are alike.
--
--   instruments <-- song_instruments --> songs --> instrument_sets <-- set_neighbours
--
-- Likeness is kept between sets, not between songs: songs with equal instruments share a set, so a thousand songs of
-- piano, bass and drums are one set and not a million pairs. The view similar_songs spreads it out again.

CREATE TABLE instruments (
  code smallint PRIMARY KEY CHECK (code BETWEEN 0 AND 128),
  name text NOT NULL UNIQUE,
  family text NOT NULL,
  -- How many songs have it. Lets a search for songs with all of several instruments begin with the rarest.
  song_count integer NOT NULL DEFAULT 0 CHECK (song_count >= 0)
);

CREATE TABLE instrument_sets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Codes, ascending.
  members smallint[] NOT NULL UNIQUE CHECK (cardinality(members) <= 129)
);

CREATE TABLE songs (
  -- MD5 of the file's bytes, as in the Lakh data set. COLLATE "C": pages are ordered by byte, on every machine alike.
  hash char(32) COLLATE "C" PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{32}$'),
  name text NOT NULL CHECK (name <> '' AND length(name) <= 255),
  byte_count integer NOT NULL CHECK (byte_count > 0),
  instrument_set bigint NOT NULL REFERENCES instrument_sets,
  ingested_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX songs_by_set ON songs (instrument_set, hash);

CREATE TABLE song_instruments (
  song char(32) COLLATE "C" NOT NULL REFERENCES songs ON DELETE CASCADE,
  instrument smallint NOT NULL REFERENCES instruments,
  PRIMARY KEY (song, instrument)
);

-- The songs of one instrument in page order.
CREATE INDEX song_instruments_by_instrument ON song_instruments (instrument, song);

-- Jaccard distance < 0.5 between two different sets of at least three instruments; held in both directions.
CREATE TABLE set_neighbours (
  instrument_set bigint NOT NULL REFERENCES instrument_sets ON DELETE CASCADE,
  distance double precision NOT NULL CHECK (distance > 0 AND distance < 0.5),
  neighbour bigint NOT NULL REFERENCES instrument_sets ON DELETE CASCADE,
  PRIMARY KEY (instrument_set, distance, neighbour),
  UNIQUE (instrument_set, neighbour),
  CHECK (instrument_set <> neighbour)
);

-- Every pair of similar songs, in both directions.
CREATE VIEW similar_songs AS
  SELECT song.hash AS song, other.hash AS other, near.distance
  FROM songs song
  JOIN set_neighbours near ON near.instrument_set = song.instrument_set
  JOIN songs other ON other.instrument_set = near.neighbour
  UNION ALL
  SELECT song.hash, other.hash, 0
  FROM songs song
  JOIN instrument_sets own ON own.id = song.instrument_set AND cardinality(own.members) >= 3
  JOIN songs other ON other.instrument_set = song.instrument_set AND other.hash <> song.hash;

INSERT INTO instruments (code, name, family)
SELECT
  (position - 1)::smallint,
  name,
  (ARRAY[
    'Piano', 'Chromatic Percussion', 'Organ', 'Guitar', 'Bass', 'Strings', 'Ensemble', 'Brass',
    'Reed', 'Pipe', 'Synth Lead', 'Synth Pad', 'Synth Effects', 'Ethnic', 'Percussive', 'Sound Effects'
  ])[(position - 1) / 8 + 1]
FROM unnest(ARRAY[
  'Acoustic Grand Piano', 'Bright Acoustic Piano', 'Electric Grand Piano', 'Honky-tonk Piano',
  'Electric Piano 1', 'Electric Piano 2', 'Harpsichord', 'Clavinet',
  'Celesta', 'Glockenspiel', 'Music Box', 'Vibraphone',
  'Marimba', 'Xylophone', 'Tubular Bells', 'Dulcimer',
  'Drawbar Organ', 'Percussive Organ', 'Rock Organ', 'Church Organ',
  'Reed Organ', 'Accordion', 'Harmonica', 'Tango Accordion',
  'Acoustic Guitar (nylon)', 'Acoustic Guitar (steel)', 'Electric Guitar (jazz)', 'Electric Guitar (clean)',
  'Electric Guitar (muted)', 'Overdriven Guitar', 'Distortion Guitar', 'Guitar Harmonics',
  'Acoustic Bass', 'Electric Bass (finger)', 'Electric Bass (pick)', 'Fretless Bass',
  'Slap Bass 1', 'Slap Bass 2', 'Synth Bass 1', 'Synth Bass 2',
  'Violin', 'Viola', 'Cello', 'Contrabass',
  'Tremolo Strings', 'Pizzicato Strings', 'Orchestral Harp', 'Timpani',
  'String Ensemble 1', 'String Ensemble 2', 'Synth Strings 1', 'Synth Strings 2',
  'Choir Aahs', 'Voice Oohs', 'Synth Voice', 'Orchestra Hit',
  'Trumpet', 'Trombone', 'Tuba', 'Muted Trumpet',
  'French Horn', 'Brass Section', 'Synth Brass 1', 'Synth Brass 2',
  'Soprano Sax', 'Alto Sax', 'Tenor Sax', 'Baritone Sax',
  'Oboe', 'English Horn', 'Bassoon', 'Clarinet',
  'Piccolo', 'Flute', 'Recorder', 'Pan Flute',
  'Blown Bottle', 'Shakuhachi', 'Whistle', 'Ocarina',
  'Lead 1 (square)', 'Lead 2 (sawtooth)', 'Lead 3 (calliope)', 'Lead 4 (chiff)',
  'Lead 5 (charang)', 'Lead 6 (voice)', 'Lead 7 (fifths)', 'Lead 8 (bass + lead)',
  'Pad 1 (new age)', 'Pad 2 (warm)', 'Pad 3 (polysynth)', 'Pad 4 (choir)',
  'Pad 5 (bowed)', 'Pad 6 (metallic)', 'Pad 7 (halo)', 'Pad 8 (sweep)',
  'FX 1 (rain)', 'FX 2 (soundtrack)', 'FX 3 (crystal)', 'FX 4 (atmosphere)',
  'FX 5 (brightness)', 'FX 6 (goblins)', 'FX 7 (echoes)', 'FX 8 (sci-fi)',
  'Sitar', 'Banjo', 'Shamisen', 'Koto',
  'Kalimba', 'Bagpipe', 'Fiddle', 'Shanai',
  'Tinkle Bell', 'Agogo', 'Steel Drums', 'Woodblock',
  'Taiko Drum', 'Melodic Tom', 'Synth Drum', 'Reverse Cymbal',
  'Guitar Fret Noise', 'Breath Noise', 'Seashore', 'Bird Tweet',
  'Telephone Ring', 'Helicopter', 'Applause', 'Gunshot'
]) WITH ORDINALITY AS program (name, position);

INSERT INTO instruments (code, name, family) VALUES (128, 'Percussion', 'Percussion');
