"""From MIDI files to recommendations: corpus, ingest, recommender, migrations."""
