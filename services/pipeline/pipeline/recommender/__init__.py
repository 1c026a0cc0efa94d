"""HTTP service over the catalogue. Written by the lead at 06:50: the owner of ingest need not write it again."""
