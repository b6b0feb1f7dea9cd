-- What the generated catalogue in this database was made from; no row when the catalogue is not generated.
CREATE TABLE catalogue_seed (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  products integer NOT NULL,
  seed integer NOT NULL,
  format_version integer NOT NULL,
  seeded_at timestamptz NOT NULL DEFAULT now()
);
